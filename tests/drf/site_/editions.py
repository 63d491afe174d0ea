"""Rows that are keyed by a UUID or by a slug, and that point at each other by these."""

import uuid

from rest_framework import serializers
from rest_framework.viewsets import ModelViewSet

from . import models, pagination
from .filters import filterset

PUBLISHERS = 5
SHELVES = 3
EDITIONS = 45


def publisher_key(n):
    return uuid.UUID(f"00000000-0000-4000-8000-{n:012d}")


def edition_key(n):
    return uuid.UUID(f"00000000-0000-4000-9000-{n:012d}")


def make_rows():
    """A fourth of the editions has no publisher; some are on no shelf."""
    for model in (models.Edition, models.Publisher, models.Shelf):
        model.objects.all().delete()
    models.Publisher.objects.bulk_create(
        models.Publisher(id=publisher_key(n), name=f"Publisher {n}")
        for n in range(1, PUBLISHERS + 1)
    )
    models.Shelf.objects.bulk_create(
        models.Shelf(slug=f"shelf-{n}", name=f"Shelf {n}") for n in range(1, SHELVES + 1)
    )
    models.Edition.objects.bulk_create(
        models.Edition(
            id=edition_key(n),
            title=f"Edition {n}",
            publisher_id=None if n % 4 == 0 else publisher_key(n % PUBLISHERS + 1),
            shelf_id=f"shelf-{n % 2 + 1}",
        )
        for n in range(1, EDITIONS + 1)
    )
    models.Edition.shelves.through.objects.bulk_create(
        models.Edition.shelves.through(edition_id=edition_key(n), shelf_id=f"shelf-{shelf}")
        for n in range(1, EDITIONS + 1)
        for shelf in range(1, SHELVES + 1)
        if n >> (shelf - 1) & 1
    )


class PublisherSerializer(serializers.ModelSerializer):
    class Meta:
        model = models.Publisher
        fields = ["id", "name"]


class ShelfSerializer(serializers.ModelSerializer):
    class Meta:
        model = models.Shelf
        fields = ["slug", "name"]


class EditionSerializer(serializers.ModelSerializer):
    class Meta:
        model = models.Edition
        fields = ["id", "title", "publisher", "shelf", "shelves"]


class PublisherViewSet(ModelViewSet):
    queryset = models.Publisher.objects.all()
    serializer_class = PublisherSerializer
    pagination_class = pagination.ItemLimitOffset
    filterset_class = filterset(models.Publisher, id=["exact", "in"], name=["exact"])


class ShelfViewSet(ModelViewSet):
    queryset = models.Shelf.objects.all()
    serializer_class = ShelfSerializer
    pagination_class = pagination.ItemLimitOffset
    filterset_class = filterset(models.Shelf, slug=["exact", "in"])


class EditionViewSet(ModelViewSet):
    queryset = models.Edition.objects.all()
    serializer_class = EditionSerializer
    pagination_class = pagination.ItemLimitOffset
    filterset_class = filterset(
        models.Edition,
        id=["exact", "in"],
        publisher=["exact", "in", "isnull"],
        shelf=["exact", "in"],
        shelves=["exact"],
    )
    ordering_fields = ["id", "title"]


def register(router):
    router.register("library/publishers", PublisherViewSet)
    router.register("library/shelves", ShelfViewSet)
    router.register("library/editions", EditionViewSet)
