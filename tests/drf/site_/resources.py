"""The model resources: each one is the list, detail and write endpoints of a table."""

import hashlib
import threading

from django.utils.decorators import method_decorator
from django.views.decorators.http import condition
from rest_framework.decorators import action
from rest_framework.generics import get_object_or_404
from rest_framework.response import Response
from rest_framework.viewsets import ModelViewSet

from . import filters, models, pagination, serializers


class PostViewSet(ModelViewSet):
    queryset = models.Post.objects.all()
    serializer_class = serializers.PostSerializer
    pagination_class = pagination.PostPagination
    filterset_class = filters.PostFilter
    ordering_fields = ["id", "title", "score", "created_at"]


class UserViewSet(ModelViewSet):
    queryset = models.User.objects.select_related("address")
    serializer_class = serializers.UserSerializer
    pagination_class = pagination.UserPagination
    filterset_class = filters.UserFilter
    ordering_fields = ["id", "name", "email", "age", "created_at", "balance"]
    search_fields = ["name", "email"]

    @action(detail=True, methods=["post"])
    def deactivate(self, request, pk=None):
        user = self.get_object()
        user.active = False
        user.save(update_fields=["active"])
        return Response(self.get_serializer(user).data)

    @action(detail=False)
    def stats(self, request):
        users = models.User.objects.all()
        return Response({"total": users.count(), "active": users.filter(active=True).count()})

    @action(
        detail=True,
        serializer_class=serializers.PostOfUserSerializer,
        pagination_class=PostViewSet.pagination_class,
        filterset_class=PostViewSet.filterset_class,
        ordering_fields=PostViewSet.ordering_fields,
        search_fields=None,
    )
    def posts(self, request, pk=None):
        author = get_object_or_404(models.User, pk=pk)
        rows = self.filter_queryset(models.Post.objects.filter(author=author))
        page = self.get_serializer(self.paginate_queryset(rows), many=True)
        return self.get_paginated_response(page.data)

    @posts.mapping.post
    def create_post(self, request, pk=None):
        author = get_object_or_404(models.User, pk=pk)
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        serializer.save(author=author)
        return Response(serializer.data, status=201)


class CommentViewSet(ModelViewSet):
    queryset = models.Comment.objects.all()
    serializer_class = serializers.CommentSerializer
    pagination_class = pagination.CommentPagination
    filterset_class = filters.CommentFilter
    ordering_fields = ["id", "created_at"]


class TeamViewSet(ModelViewSet):
    queryset = models.Team.objects.all()
    serializer_class = serializers.TeamSerializer
    pagination_class = None
    filterset_class = filters.TeamFilter
    ordering_fields = ["id", "name"]


class ArticleViewSet(ModelViewSet):
    queryset = models.Article.objects.all()
    serializer_class = serializers.ArticleSerializer
    pagination_class = pagination.ArticlePagination
    filterset_class = filters.ArticleFilter
    ordering_fields = ["id", "slug", "rating"]
    lookup_field = "slug"


class LabelViewSet(ModelViewSet):
    """No filter backend, no pagination: every query parameter is ignored."""

    queryset = models.Label.objects.all()
    serializer_class = serializers.LabelSerializer
    pagination_class = None
    filter_backends = []


class ItemViewSet(ModelViewSet):
    """The base of the eight item resources; see `item_viewsets`."""

    queryset = models.Item.objects.all()
    serializer_class = serializers.ItemSerializer
    filterset_class = filters.ItemFilter
    ordering_fields = ["id", "name", "rank", "price"]


def item_viewsets():
    """Yield (name, viewset) for every paginator, with all filter backends (on) and none (off)."""
    for name, paginator in pagination.every().items():
        on = {"pagination_class": paginator}
        yield f"{name}-on", type("FilteredItems", (ItemViewSet,), on)
        yield f"{name}-off", type("PlainItems", (ItemViewSet,), on | {"filter_backends": []})


#: Between the look at a row's version and its write no other request may write: SQLite locks no
#: rows.
_one_writer = threading.Lock()


def tagged(weak):
    """The items again, each with an ETag; writes are conditional by Django's decorator."""

    def tag(request, *args, pk, **kwargs):
        row = models.Item.objects.filter(pk=pk).values_list().first()
        if row is None:
            return None
        digest = hashlib.md5(repr(row).encode(), usedforsecurity=False).hexdigest()
        return f'W/"{digest}"' if weak else f'"{digest}"'

    conditional = method_decorator(condition(etag_func=tag))

    class TaggedItems(ItemViewSet):
        pagination_class = None
        filterset_class = filters.filterset(models.Item, id=["exact", "in"])

        retrieve = conditional(ItemViewSet.retrieve)
        update = conditional(ItemViewSet.update)
        destroy = conditional(ItemViewSet.destroy)

        def dispatch(self, request, *args, **kwargs):
            if request.method in ("GET", "HEAD", "OPTIONS"):
                return super().dispatch(request, *args, **kwargs)
            with _one_writer:
                return super().dispatch(request, *args, **kwargs)

    return TaggedItems
