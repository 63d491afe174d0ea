"""The resources of the reference site as a user would describe them: the same fields as the models of the Rust suite."""

from __future__ import annotations

import datetime
import enum
from decimal import Decimal
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class Role(str, enum.Enum):
    ADMIN = "admin"
    EDITOR = "editor"
    VIEWER = "viewer"


class AddressSchema(BaseModel):
    street: str
    city: str
    state: str
    zip: str


class UserSchema(BaseModel):
    id: int | None = None
    name: str
    email: str
    role: str = "viewer"
    active: bool = True
    age: int | None = None
    balance: Decimal = Decimal("0.00")
    joined_on: datetime.date | None = None
    created_at: datetime.datetime | None = None
    address: AddressSchema | None = None
    team: int | None = None
    tags: list[str] = []
    settings: dict[str, Any] = {}


class PostSchema(BaseModel):
    """A wire name that is not Python's, and a field that the schema leaves out (`body`)."""

    id: int | None = None
    title: str
    author_id: int = Field(alias="author")
    published: bool = False
    score: float | None = None
    tags: list[str] = []
    created_at: datetime.datetime | None = None


class CommentSchema(BaseModel):
    id: int | None = None
    post: int
    #: A URL; filters and writes take an id or a path too.
    author: str
    text: str
    created_at: datetime.datetime | None = None


class TeamSchema(BaseModel):
    id: int | None = None
    name: str
    code: UUID | None = None
    motto: str | None = None


class ArticleSchema(BaseModel):
    id: int | None = None
    slug: str
    title: str
    rating: Decimal | None = None
    published_at: datetime.datetime | None = None


class LabelSchema(BaseModel):
    id: int | None = None
    name: str
    color: str | None = None


class ItemSchema(BaseModel):
    """One table behind eight endpoints."""

    id: int | None = None
    name: str
    rank: int | None = None
    price: Decimal
    kind: str = ""
    flag: bool = False
    seen_at: datetime.datetime | None = None


class AnythingSchema(BaseModel):
    """Refuses nothing: what is wrong is the server's to say."""

    model_config = ConfigDict(extra="allow")

    id: int | None = None
