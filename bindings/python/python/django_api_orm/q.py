"""``Q``: conditions joined by ``&``, ``|``, ``^`` and ``~``, as in Django."""

from __future__ import annotations

from typing import Any

__all__ = ["Q"]


class Q:
    """A condition on rows: ``Q(age__gte=18) & ~Q(role="admin")``. Keyword arguments must all hold.

    Joined by ``&``, ``|`` and ``^`` (one of both), negated by ``~``; an empty ``Q()`` is false as a truth value; it
    holds for every row, and leaves what it is joined with as it is.
    What the query string cannot express is evaluated client-side, with Django's rules for nulls.

    Raises: ``TypeError`` for positional arguments, or operands, that are not ``Q``.
    """

    __slots__ = ("_parts", "_word")

    def __init__(self, *parts: Q, **lookups: Any) -> None:
        for part in parts:
            if not isinstance(part, Q):
                raise TypeError(f"Q() takes other Q objects and lookups, not {type(part).__name__}")
        #: Other conditions, and ``(name, value)``.
        self._parts: tuple[Q | tuple[str, Any], ...] = (*parts, *lookups.items())
        self._word = "AND"

    @classmethod
    def _joined(cls, word: str, *parts: Q) -> Q:
        for part in parts:
            if not isinstance(part, Q):
                raise TypeError(f"a Q is joined with another Q, not with {type(part).__name__}")
        if word != "NOT" and not all(parts):
            # As in Django: an empty one leaves the other one as it is.
            return next(filter(None, parts), parts[0])
        q = cls(*parts)
        q._word = word
        return q

    def __and__(self, other: Q) -> Q:
        return self._joined("AND", self, other)

    def __or__(self, other: Q) -> Q:
        return self._joined("OR", self, other)

    def __xor__(self, other: Q) -> Q:
        if not self or not other:
            return self._joined("XOR", self, other)
        return (self & ~other) | (~self & other)

    def __invert__(self) -> Q:
        return self._joined("NOT", self)

    def __bool__(self) -> bool:
        return any(bool(part) for part in self._parts)

    def __repr__(self) -> str:
        if self._word == "NOT":
            return f"~{self._parts[0]!r}"
        shown = [repr(part) if isinstance(part, Q) else f"{part[0]}={part[1]!r}" for part in self._parts]
        if self._word == "OR":
            return "(" + " | ".join(shown) + ")"
        return f"Q({', '.join(shown)})"
