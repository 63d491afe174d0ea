# ruff: noqa: F821, UP037
"""The library of the reference site as a user would describe it: books that point at writers and genres, in every form."""

from __future__ import annotations

from typing import Annotated, Any

import django_api_orm as orm
from django_api_orm import ForeignKey, ManyToMany, Related, relation
from django_api_orm._relation_bound import Bound
from pydantic import BaseModel, Field


class WriterSchema(BaseModel):
    id: int | None = None
    name: str
    slug: str
    country: str = "FR"


class GenreSchema(BaseModel):
    id: int | None = None
    name: str


class BookSchema(BaseModel):
    id: int | None = None
    title: str
    writer: ForeignKey["Writer"]
    editor: ForeignKey["Writer"] | None = None
    genres: ManyToMany["Genre"] = []


class BookBySlugSchema(BookSchema):
    writer: Annotated[ForeignKey["Writer"], relation(to_field="slug")]
    editor: Annotated[ForeignKey["Writer"], relation(to_field="slug")] | None = None


class NestedBookSchema(BookSchema):
    writer: ForeignKey["Writer"] = Field(validation_alias="writer", serialization_alias="writer_id")
    editor: ForeignKey["Writer"] | None = Field(None, validation_alias="editor", serialization_alias="editor_id")
    genres: ManyToMany["Genre"] = Field([], validation_alias="genres", serialization_alias="genre_ids")


class WritableBookSchema(BookSchema):
    writer: Annotated[ForeignKey["Writer"], relation(writes="nested")]
    editor: Annotated[ForeignKey["Writer"], relation(writes="nested")] | None = None
    genres: Annotated[ManyToMany["Genre"], relation(writes="nested")] = []


class KeysSchema(BaseModel):
    id: int | None = None
    title: str
    writer_key: int = Field(alias="writer")
    editor: int | None = None


FORMS = {"": BookSchema, "-slug": BookBySlugSchema, "-url": BookSchema, "-nested": NestedBookSchema}


class Library:
    """Models of one half, whose books have one form."""

    def __init__(self, kind: str, form: str = "") -> None:
        base: Any = orm.APIModel if kind == "sync" else orm.AsyncAPIModel

        class Genre(base):
            _schema_class = GenreSchema
            _endpoint = "/api/v1/library/genres/"
            _pagination = "none"
            books = Related("Book", "genres")

        class Writer(base):
            _schema_class = WriterSchema
            _endpoint = "/api/v1/library/writers/"
            books = Related("Book", "writer")
            edited = Related("Book", "editor")
            own_books = Related("Book", "writer", route="books")

        class Book(base):
            _schema_class = FORMS[form]
            _endpoint = f"/api/v1/library/books{form}/"
            _expand_parameter = "expand"

        class BookBeside(base):
            _schema_class = BookSchema
            _endpoint = "/api/v1/library/books-beside/"
            _prefetch_parameter = "prefetch"

        class BookWritable(base):
            _schema_class = WritableBookSchema
            _endpoint = "/api/v1/library/books-writable/"

        class Keys(base):
            _schema_class = KeysSchema
            _endpoint = "/api/v1/library/books/"
            writer: ForeignKey["Writer"] = relation(field="writer_key")
            edited_by: ForeignKey[Writer] | None = relation(field="editor")

        self.Genre, self.Writer, self.Book, self.Keys, self.BookBeside = Genre, Writer, Book, Keys, BookBeside
        self.BookWritable = BookWritable
        self.every = (Genre, Writer, Book, Keys, BookBeside, BookWritable)
        # Names are looked up when they are first needed, and other libraries may have been made by then.
        for model in self.every:
            for each in (*model._info().relations.forward.values(), *vars(model).values()):
                if isinstance(each, Bound):
                    assert each.target in self.every


WRITERS = range(1, 13)
BOOKS = range(1, 61)


def writer_of(book: int) -> int:
    return book % 11 + 1


def editor_of(book: int) -> int | None:
    return None if book % 3 == 0 else book * 7 % 12 + 1


def genres_of(book: int) -> list[int]:
    return [genre for genre in range(1, 5) if book >> (genre - 1) & 1]
