"""Rows that point at each other, in every form that Django REST Framework shows: key, slug, URL,
object, lists of them, on demand.
"""

from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.viewsets import ModelViewSet

from . import models, pagination
from .filters import filterset

WRITERS = 12
BOOKS = 60


def make_rows():
    """Every writer but the last one has books; a third of them has no editor, some no genre."""
    models.Writer.objects.bulk_create(
        models.Writer(id=n, name=f"Writer {n}", slug=f"writer-{n}", country="FR" if n % 3 else "IT")
        for n in range(1, WRITERS + 1)
    )
    models.Genre.objects.bulk_create(
        models.Genre(id=n, name=name)
        for n, name in enumerate(["essay", "novel", "poem", "play"], 1)
    )
    models.Book.objects.bulk_create(
        models.Book(
            id=n,
            title=f"Book {n}",
            writer_id=n % (WRITERS - 1) + 1,
            editor_id=None if n % 3 == 0 else n * 7 % WRITERS + 1,
        )
        for n in range(1, BOOKS + 1)
    )
    models.Book.genres.through.objects.bulk_create(
        models.Book.genres.through(book_id=book, genre_id=genre)
        for book in range(1, BOOKS + 1)
        for genre in range(1, 5)
        if book >> (genre - 1) & 1
    )


class WriterSerializer(serializers.ModelSerializer):
    class Meta:
        model = models.Writer
        fields = ["id", "name", "slug", "country"]


class GenreSerializer(serializers.ModelSerializer):
    class Meta:
        model = models.Genre
        fields = ["id", "name"]


class BookSerializer(serializers.ModelSerializer):
    """Keys; objects in place of those that `?expand=writer,genres` names."""

    class Meta:
        model = models.Book
        fields = ["id", "title", "writer", "editor", "genres"]

    def to_representation(self, book):
        shown = super().to_representation(book)
        request = self.context.get("request")
        for name in request.query_params.get("expand", "").split(",") if request else ():
            if name in ("writer", "editor"):
                row = getattr(book, name)
                shown[name] = None if row is None else WriterSerializer(row).data
            elif name == "genres":
                shown[name] = GenreSerializer(book.genres.all(), many=True).data
        return shown


class BookOfWriterSerializer(BookSerializer):
    class Meta(BookSerializer.Meta):
        read_only_fields = ["writer"]


class BookBySlugSerializer(BookSerializer):
    writer = serializers.SlugRelatedField("slug", queryset=models.Writer.objects.all())
    editor = serializers.SlugRelatedField(
        "slug", queryset=models.Writer.objects.all(), allow_null=True, required=False
    )


class BookByUrlSerializer(BookSerializer):
    writer = serializers.HyperlinkedRelatedField(
        "writer-detail", queryset=models.Writer.objects.all()
    )
    editor = serializers.HyperlinkedRelatedField(
        "writer-detail", queryset=models.Writer.objects.all(), allow_null=True, required=False
    )
    genres = serializers.HyperlinkedRelatedField(
        "genre-detail", queryset=models.Genre.objects.all(), many=True, required=False
    )


class ShortWriterSerializer(serializers.ModelSerializer):
    class Meta:
        model = models.Writer
        fields = ["id", "name"]


class NestedBookSerializer(BookSerializer):
    """Objects when it is read, keys under other names when it is written; the editor's is short."""

    writer = WriterSerializer(read_only=True)
    writer_id = serializers.PrimaryKeyRelatedField(
        source="writer", queryset=models.Writer.objects.all(), write_only=True
    )
    editor = ShortWriterSerializer(read_only=True)
    editor_id = serializers.PrimaryKeyRelatedField(
        source="editor",
        queryset=models.Writer.objects.all(),
        write_only=True,
        allow_null=True,
        required=False,
    )
    genres = GenreSerializer(many=True, read_only=True)
    genre_ids = serializers.PrimaryKeyRelatedField(
        source="genres",
        queryset=models.Genre.objects.all(),
        many=True,
        write_only=True,
        required=False,
    )

    class Meta(BookSerializer.Meta):
        fields = [*BookSerializer.Meta.fields, "writer_id", "editor_id", "genre_ids"]


class KeyOrNewMixin:
    """`{"id": 3}` is a row that is there, anything else a new one."""

    def to_internal_value(self, data):
        if isinstance(data, dict) and set(data) == {"id"}:
            return get_object_or_404(self.Meta.model, pk=data["id"])
        return self.Meta.model(**super().to_internal_value(data))


class KeyOrNewWriterSerializer(KeyOrNewMixin, WriterSerializer):
    pass


class KeyOrNewGenreSerializer(KeyOrNewMixin, GenreSerializer):
    pass


class WritableBookSerializer(BookSerializer):
    """Objects, which are created with the book where they have no key."""

    writer = KeyOrNewWriterSerializer()
    editor = KeyOrNewWriterSerializer(allow_null=True, required=False)
    genres = KeyOrNewGenreSerializer(many=True, required=False)

    def saved(self, save, values):
        for row in (values.get("writer"), values.get("editor"), *values.get("genres", ())):
            if row is not None and row.pk is None:
                row.save()
        genres = values.pop("genres", None)
        book = save(values)
        if genres is not None:
            book.genres.set(genres)
        return book

    def create(self, values):
        return self.saved(lambda values: models.Book.objects.create(**values), values)

    def update(self, book, values):
        def save(values):
            for name, value in values.items():
                setattr(book, name, value)
            book.save()
            return book

        return self.saved(save, values)


class WriterViewSet(ModelViewSet):
    queryset = models.Writer.objects.all()
    serializer_class = WriterSerializer
    pagination_class = pagination.ItemLimitOffset
    filterset_class = filterset(
        models.Writer, id=["exact", "in"], slug=["exact", "in"], country=["exact"]
    )
    ordering_fields = ["id", "name"]


class GenreViewSet(ModelViewSet):
    queryset = models.Genre.objects.all()
    serializer_class = GenreSerializer
    pagination_class = None
    filterset_class = filterset(models.Genre, id=["exact", "in"], name=["exact"])


class BookViewSet(ModelViewSet):
    queryset = models.Book.objects.all()
    serializer_class = BookSerializer
    pagination_class = pagination.ItemLimitOffset
    filterset_class = filterset(
        models.Book,
        id=["exact", "in"],
        title=["exact"],
        writer=["exact", "in"],
        editor=["exact", "in", "isnull"],
        genres=["exact"],
        writer__country=["exact"],
    )
    ordering_fields = ["id", "title", "writer__country"]


class BooksWithRowsBesideViewSet(BookViewSet):
    """Keys, and beside the books the rows of the relations that `prefetch` names, by their keys."""

    def list(self, request, *args, **kwargs):
        response = super().list(request, *args, **kwargs)
        asked = request.query_params.get("prefetch", "").split(",")
        beside = response.data["prefetch"] = {}
        for name in {"writer", "editor", "genres"}.intersection(asked):
            serializer = GenreSerializer if name == "genres" else WriterSerializer
            keys = set()
            for book in response.data["results"]:
                keys.update(book[name] if name == "genres" else [book[name]])
            rows = serializer.Meta.model.objects.filter(pk__in=keys - {None})
            beside[name] = {row.pk: serializer(row).data for row in rows}
        return response


class BooksOfWriterViewSet(BookViewSet):
    """Books under writers/{id}/books/: the writer comes from the URL."""

    serializer_class = BookOfWriterSerializer

    def get_queryset(self):
        writer = get_object_or_404(models.Writer, pk=self.kwargs["writer"])
        return super().get_queryset().filter(writer=writer)

    def perform_create(self, serializer):
        serializer.save(writer=get_object_or_404(models.Writer, pk=self.kwargs["writer"]))


def register(router):
    """Every form of the books under a name of its own."""
    router.register("library/writers", WriterViewSet)
    router.register("library/genres", GenreViewSet)
    router.register("library/books", BookViewSet)
    router.register(
        r"library/writers/(?P<writer>\d+)/books", BooksOfWriterViewSet, basename="writer-book"
    )
    router.register("library/books-beside", BooksWithRowsBesideViewSet, basename="book-beside")
    for name, serializer in {
        "slug": BookBySlugSerializer,
        "url": BookByUrlSerializer,
        "nested": NestedBookSerializer,
        "writable": WritableBookSerializer,
    }.items():
        viewset = type("Books", (BookViewSet,), {"serializer_class": serializer})
        router.register(f"library/books-{name}", viewset, basename=f"book-{name}")
