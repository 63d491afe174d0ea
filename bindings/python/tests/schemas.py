"""The reference site's rows as pydantic schemas."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from pydantic import BaseModel


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
    id: int | None = None
    title: str
    body: str = ""
    author: int
    published: bool = False
    score: float | None = None
    tags: list[str] = []
    created_at: datetime.datetime | None = None


class CommentSchema(BaseModel):
    id: int | None = None
    post: int
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
    id: int | None = None
    name: str
    rank: int | None = None
    price: Decimal
    kind: str
    flag: bool
    seen_at: datetime.datetime | None = None
