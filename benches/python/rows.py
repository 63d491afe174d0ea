"""The rows that every peer reads, and their schema."""

from __future__ import annotations

import datetime
import json
import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel

#: Rows of each table that is read.
SIZES = {"users": 5_000, "posts": 10_000, "events": 100_000}
#: The table that is written.
WRITTEN = "notes"

START = datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)


class Row(BaseModel):
    id: int | None = None
    name: str
    email: str
    role: str
    active: bool
    age: int | None
    score: float
    created_at: datetime.datetime


def row(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "name": f"Person number {number}",
        "email": f"person.{number}@example.com",
        "role": ("viewer", "editor", "admin")[number % 3],
        "active": number % 4 != 0,
        "age": None if number % 7 == 0 else 18 + number % 60,
        "score": number / 8,
        "created_at": (START + datetime.timedelta(minutes=number)).isoformat().replace("+00:00", "Z"),
    }


def tables() -> dict[str, list[dict[str, Any]]]:
    return {
        **{name: [row(number) for number in range(1, size + 1)] for name, size in SIZES.items()},
        WRITTEN: [row(number) for number in range(1, 8)],
    }


def new(number: int) -> dict[str, Any]:
    """The values of a row to be created."""
    values = row(number)
    del values["id"]
    return values


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(tables()))
