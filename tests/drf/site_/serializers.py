"""How rows look on the wire, and what is refused."""

from django.db import transaction
from rest_framework import serializers

from . import models


class AddressSerializer(serializers.ModelSerializer):
    class Meta:
        model = models.Address
        fields = ["street", "city", "state", "zip"]


class UserSerializer(serializers.ModelSerializer):
    """A user with a writable nested address: a PATCH merges into the address, null removes it."""

    address = AddressSerializer(required=False, allow_null=True)
    tags = serializers.ListField(child=serializers.CharField(), required=False)
    settings = serializers.DictField(required=False)

    class Meta:
        model = models.User
        fields = [
            *["id", "name", "email", "role", "active", "age", "balance", "joined_on"],
            *["created_at", "address", "team", "tags", "settings"],
        ]
        read_only_fields = ["created_at"]

    def validate_address(self, value):
        """A partial address is enough only where there is an address to merge it into."""
        if value is not None and not (self.instance and self.instance.address):
            required = AddressSerializer.Meta.fields
            missing = {name: ["This field is required."] for name in required if name not in value}
            if missing:
                raise serializers.ValidationError(missing)
        return value

    @transaction.atomic
    def create(self, validated):
        address = validated.pop("address", None)
        if address is not None:
            validated["address"] = models.Address.objects.create(**address)
        return super().create(validated)

    @transaction.atomic
    def update(self, instance, validated):
        change = validated.pop("address", serializers.empty)
        if change is None:
            if instance.address:
                instance.address.delete()
            instance.address = None
        elif change is not serializers.empty:
            address = instance.address or models.Address()
            for name, value in change.items():
                setattr(address, name, value)
            address.save()
            instance.address = address
        return super().update(instance, validated)


class PostSerializer(serializers.ModelSerializer):
    tags = serializers.ListField(child=serializers.CharField(), required=False)

    class Meta:
        model = models.Post
        fields = ["id", "title", "body", "author", "published", "score", "tags", "created_at"]
        read_only_fields = ["created_at"]

    def validate(self, data):
        if data.get("title") == "forbidden":
            raise serializers.ValidationError("This title is forbidden.")
        return data


class PostOfUserSerializer(PostSerializer):
    """Posts under /users/{id}/posts/: the author comes from the URL."""

    class Meta(PostSerializer.Meta):
        read_only_fields = ["author", "created_at"]


class CommentSerializer(serializers.ModelSerializer):
    author = serializers.HyperlinkedRelatedField(
        view_name="user-detail", queryset=models.User.objects.all()
    )

    class Meta:
        model = models.Comment
        fields = ["id", "post", "author", "text", "created_at"]
        read_only_fields = ["created_at"]


class TeamSerializer(serializers.ModelSerializer):
    class Meta:
        model = models.Team
        fields = ["id", "name", "code", "motto"]


class ArticleSerializer(serializers.ModelSerializer):
    class Meta:
        model = models.Article
        fields = ["id", "slug", "title", "rating", "published_at"]


class LabelSerializer(serializers.ModelSerializer):
    class Meta:
        model = models.Label
        fields = ["id", "name", "color"]


class ItemSerializer(serializers.ModelSerializer):
    class Meta:
        model = models.Item
        fields = ["id", "name", "rank", "price", "kind", "flag", "seen_at"]
