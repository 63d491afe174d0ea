"""The engine's warnings as Python warnings, shown at the caller's line."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterable
from typing import Any

from ._telling import logger, safely
from .exceptions import APIWarning, DataMovedWarning, IgnoredWarning, NPlusOneWarning, UnsavedWarning

_HERE = os.path.dirname(__file__)
_CATEGORIES: dict[str, type[APIWarning]] = {
    "ignored": IgnoredWarning,
    "drift": DataMovedWarning,
    "unsaved": UnsavedWarning,
    "n_plus_one": NPlusOneWarning,
}


def emit(notices: Iterable[tuple[str, str]]) -> None:
    """Issues a warning for each notice; raises the first one that a filter such as ``-W error`` turns into an error.

    It is logged, too, where the program has set logging up: otherwise it would be shown twice.
    """
    raised: Warning | None = None
    for kind, message in notices:
        if "logging" in sys.modules and logger().hasHandlers():
            safely(logger().warning, "%s", message)
        try:
            warnings.warn(message, _CATEGORIES.get(kind, APIWarning), stacklevel=_depth())
        except Warning as warning:
            raised = raised or warning
    if raised is not None:
        raise raised


def settle(outcome: tuple[bool | None, Any, list[tuple[str, str]]], writes: bool) -> Any:
    """Returns the value of a finished operation or raises its error, and issues its warnings.

    Where warnings are errors, one never replaces an error or the result of a write: it is logged instead.
    """
    succeeded, value, notices = outcome
    try:
        emit(notices)
    except Warning as warning:
        if succeeded and not writes:
            raise
        if not logger().hasHandlers():
            logger().warning("%s", warning)
    if not succeeded:
        raise value
    return value


def _depth() -> int:
    """The stack level of the first frame outside this package."""
    depth = 1
    frame = sys._getframe(1)
    while frame.f_code.co_filename.startswith(_HERE) and frame.f_back is not None:
        frame = frame.f_back
        depth += 1
    return depth
