"""Small functions that programs written for earlier releases import."""

from __future__ import annotations

from typing import Any, TypeVar

from ._client import _text

T = TypeVar("T")

__all__ = ["build_query_params", "chunk_list", "merge_dicts"]


def build_query_params(**filters: Any) -> dict[str, str]:
    """Query parameters as text; ``None`` is left out, lists are joined by commas.

    >>> build_query_params(name="Ann", age=30, team=None)
    {'name': 'Ann', 'age': '30'}
    """
    return {name: str(value) if not isinstance(value, (list, tuple, set)) else _text(value)
            for name, value in filters.items() if value is not None}  # fmt: skip


def merge_dicts(*dicts: dict[str, Any] | None) -> dict[str, Any]:
    """One dictionary of all; later ones win, ``None`` counts as empty.

    >>> merge_dicts({"a": 1}, None, {"a": 2})
    {'a': 2}
    """
    merged: dict[str, Any] = {}
    for each in dicts:
        merged.update(each or {})
    return merged


def chunk_list(items: list[T], chunk_size: int) -> list[list[T]]:
    """The list in pieces of at most ``chunk_size``.

    >>> chunk_list([1, 2, 3], 2)
    [[1, 2], [3]]

    Raises: ``ValueError`` for a ``chunk_size`` below 1.
    """
    if chunk_size < 1:
        raise ValueError("chunk_size must be at least 1")
    return [items[start : start + chunk_size] for start in range(0, len(items), chunk_size)]
