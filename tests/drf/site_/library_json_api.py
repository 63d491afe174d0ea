"""The library by JSON:API, with djangorestframework-jsonapi: the same rows, in documents."""

from rest_framework.filters import SearchFilter
from rest_framework_json_api import pagination, parsers, renderers, serializers, views
from rest_framework_json_api.django_filters import DjangoFilterBackend
from rest_framework_json_api.exceptions import exception_handler
from rest_framework_json_api.filters import OrderingFilter, QueryParameterValidationFilter

from . import models


class WriterSerializer(serializers.ModelSerializer):
    class Meta:
        model = models.Writer
        fields = ["id", "name", "slug", "country"]
        resource_name = "writers"


class GenreSerializer(serializers.ModelSerializer):
    class Meta:
        model = models.Genre
        fields = ["id", "name"]
        resource_name = "genres"


class BookSerializer(serializers.ModelSerializer):
    included_serializers = {
        "writer": WriterSerializer,
        "editor": WriterSerializer,
        "genres": GenreSerializer,
    }

    class Meta:
        model = models.Book
        fields = ["id", "title", "writer", "editor", "genres"]
        resource_name = "books"


class Search(SearchFilter):
    search_param = "filter[search]"


class Filters(DjangoFilterBackend):
    search_param = "filter[search]"


class Pages(pagination.JsonApiPageNumberPagination):
    page_size = 20
    max_page_size = 30


class DocumentViewSet(views.ModelViewSet):
    renderer_classes = [renderers.JSONRenderer]
    parser_classes = [parsers.JSONParser]
    pagination_class = Pages
    filter_backends = [QueryParameterValidationFilter, OrderingFilter, Filters, Search]
    ordering_fields = ["id"]

    def get_exception_handler(self):
        return exception_handler


class WriterViewSet(DocumentViewSet):
    queryset = models.Writer.objects.order_by("id")
    serializer_class = WriterSerializer
    filterset_fields = {"id": ["exact", "in"], "name": ["exact", "icontains"]}
    search_fields = ["name"]
    ordering_fields = ["id", "name"]


class GenreViewSet(DocumentViewSet):
    queryset = models.Genre.objects.order_by("id")
    serializer_class = GenreSerializer
    filterset_fields = {"id": ["exact", "in"]}


class BookViewSet(DocumentViewSet):
    queryset = models.Book.objects.order_by("id")
    serializer_class = BookSerializer
    filterset_fields = {
        "id": ["exact", "in"],
        "title": ["exact", "icontains"],
        "writer": ["exact", "in"],
        "writer__country": ["exact"],
    }
    search_fields = ["title"]
    ordering_fields = ["id", "title", "writer__name"]


def register(router):
    """The documents under names of their own."""
    router.register("json-api/writers", WriterViewSet, basename="json-api-writer")
    router.register("json-api/genres", GenreViewSet, basename="json-api-genre")
    router.register("json-api/books", BookViewSet, basename="json-api-book")
