"""What Django's ORM answers to a queryset that a test describes, on the rows of the resources."""

import json

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Q
from django.http import JsonResponse
from django.utils.dateparse import parse_duration
from django.views.decorators.http import require_POST

from .models import Book, Specimen


@require_POST
def answer(request):
    """Take `{"steps": [["filter", Q], ["slice", [0, 5]], ..], "end": ["count"]}`.

    A `Q` is `["and" | "or", Q, ..]`, `["not", Q]` or `[lookup, value]`. `"of": "Book"` asks for
    books in place of specimens. Each row comes once, whatever the filters join.
    """
    described = json.loads(request.body)
    if described.get("of") == "Book":
        rows = Book.objects.order_by("id").distinct()
    else:
        rows = Specimen.objects.order_by("id").distinct()
    for name, argument in described["steps"]:
        match name:
            case "filter" | "exclude":
                rows = getattr(rows, name)(_condition(argument))
            case "order_by":
                rows = rows.order_by(*argument)
            case "reverse":
                rows = rows.reverse()
            case "slice":
                rows = rows[slice(*argument)]
    return JsonResponse({"answer": _end(rows, *described["end"])})


def _condition(described):
    kind, *rest = described
    if kind == "not":
        return ~_condition(rest[0])
    if kind not in ("and", "or"):
        return Q(**{kind: _value(kind, rest[0])})
    joined = _condition(rest[0])
    for one in rest[1:]:
        joined = joined & _condition(one) if kind == "and" else joined | _condition(one)
    return joined


def _value(lookup, value):
    """The value as the ORM takes it: of all columns, only durations cannot be compared as text."""
    if not lookup.startswith("span") or isinstance(value, bool):
        return value
    if isinstance(value, list):
        return [parse_duration(one) for one in value]
    return parse_duration(value)


def _end(rows, name, argument=None):
    match name:
        case "list":
            return [row.id for row in rows]
        case "count" | "exists":
            return getattr(rows, name)()
        case "first" | "last":
            row = getattr(rows, name)()
            return row and row.id
        case "get":
            try:
                return rows.get(id=argument).id
            except ObjectDoesNotExist:
                return None
        case "in_bulk":
            return sorted(rows.in_bulk(argument))
        case "tree":
            return [_tree(book) for book in _with_related(rows)]
        case "values_list":
            return [[_plain(value) for value in row] for row in rows.values_list(*argument)]
        case "latest" | "earliest":
            try:
                return getattr(rows, name)(*argument).id
            except ObjectDoesNotExist:
                return None


def _plain(value):
    """JSON's own values, and Python's text of others."""
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def _with_related(books):
    return books.select_related("writer", "editor").prefetch_related("genres", "writer__edited")


def _tree(book):
    """A book with what it points at, and the books that its writer has edited."""
    editor = book.editor and [book.editor.id, book.editor.name]
    genres = [[genre.id, genre.name] for genre in book.genres.all()]
    edited = [other.id for other in book.writer.edited.all()]
    return [book.id, [book.writer.id, book.writer.name], editor, genres, edited]
