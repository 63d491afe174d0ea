"""Types and protocols for annotations."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

from pydantic import BaseModel

__all__ = ["JSON", "Headers", "ModelT", "QueryParams", "SupportsToDict", "T"]

T = TypeVar("T")
ModelT = TypeVar("ModelT", bound=BaseModel)


class SupportsToDict(Protocol):
    """What can be turned into a dictionary."""

    def to_dict(self, exclude_unset: bool = False, exclude_none: bool = False) -> dict[str, Any]:
        """As ``APIModel.to_dict``."""
        ...


JSON = dict[str, Any]
QueryParams = dict[str, str]
Headers = dict[str, str]
