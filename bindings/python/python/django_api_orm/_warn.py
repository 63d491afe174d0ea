"""Warnings of the engine as Python warnings, shown at the line of the caller."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterable

from .exceptions import APIWarning, DataMovedWarning, IgnoredWarning

_HERE = os.path.dirname(__file__)
_CATEGORIES: dict[str, type[APIWarning]] = {"ignored": IgnoredWarning, "drift": DataMovedWarning}


def emit(notices: Iterable[tuple[str, str]]) -> None:
    """Warns about each notice."""
    for kind, message in notices:
        warnings.warn(message, _CATEGORIES.get(kind, APIWarning), stacklevel=_depth())


def _depth() -> int:
    """The stack level of the first frame outside of this package."""
    depth = 1
    frame = sys._getframe(1)
    while frame.f_code.co_filename.startswith(_HERE) and frame.f_back is not None:
        frame = frame.f_back
        depth += 1
    return depth
