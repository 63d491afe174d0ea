"""The rows that both servers start with, read from the file that seeds them: what answers are compared with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from schemas import ArticleSchema, ItemSchema, LabelSchema, PostSchema, TeamSchema, UserSchema

ROWS: dict[str, list[dict[str, Any]]] = json.loads(
    (Path(__file__).parents[4] / "crates/testserver/fixtures/reference.json").read_text(encoding="utf-8")
)


def _table(schema: type[BaseModel], name: str) -> list[Any]:
    return [schema.model_validate(row) for row in ROWS[name]]


USERS = _table(UserSchema, "users")
POSTS = _table(PostSchema, "posts")
TEAMS = _table(TeamSchema, "teams")
ARTICLES = _table(ArticleSchema, "articles")
LABELS = _table(LabelSchema, "labels")
ITEMS = _table(ItemSchema, "items")

#: Comments as they stand in the file: the author is an id there, and a URL in the API.
COMMENTS = ROWS["comments"]


def ids_of(rows, condition):
    """The ids of the rows that satisfy a condition, in the order of the file."""
    return [row.id for row in rows if condition(row)]
