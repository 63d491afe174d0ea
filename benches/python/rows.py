"""The rows that every peer reads, and their schema."""

from __future__ import annotations

import datetime
from typing import Any

from pydantic import BaseModel, TypeAdapter


class Row(BaseModel):
    id: int | None = None
    name: str
    email: str
    role: str
    active: bool
    age: int | None
    score: float
    created_at: datetime.datetime


class Page(BaseModel):
    next: str | None
    results: list[Row]


class Slim(BaseModel):
    """The fields of `values_list` and no others."""

    id: int | None = None
    email: str


class SlimPage(BaseModel):
    results: list[Slim]


class Tag(BaseModel):
    id: int
    name: str


class TagPage(BaseModel):
    results: list[Tag]


class PostOfKeys(BaseModel):
    """A post as the server shows it: the keys of its author and of its tags."""

    id: int
    title: str
    author: int
    tags: list[int]


class PostPage(BaseModel):
    next: str | None
    results: list[PostOfKeys]


#: Made once, as somebody does who knows pydantic.
ROW, PAGE, SLIM = TypeAdapter(Row), TypeAdapter(Page), TypeAdapter(SlimPage)
POSTS, TAGS = TypeAdapter(PostPage), TypeAdapter(TagPage)
POST_COUNT = 1000


def new(number: int) -> dict[str, Any]:
    """The values of a row to be created."""
    return {
        "name": f"Person number {number}",
        "email": f"person.{number}@example.com",
        "role": ("viewer", "editor", "admin")[number % 3],
        "active": number % 4 != 0,
        "age": None if number % 7 == 0 else 18 + number % 60,
        "score": number / 8,
        "created_at": "2024-01-01T00:00:00Z",
    }
