"""Aliases of methods, under the names of Django's asynchronous API."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar, cast

Method = TypeVar("Method", bound=Callable[..., Any])


def alias(method: Method) -> Method:
    """``acount`` for ``count``; where a subclass overrides ``count``, the alias calls the override."""
    name = method.__name__

    async def awaited(self: Any, *args: Any, **kwargs: Any) -> Any:
        return await getattr(self, name)(*args, **kwargs)

    def called(self: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(self, name)(*args, **kwargs)

    again = functools.wraps(method)(awaited if inspect.iscoroutinefunction(method) else called)
    again.__name__ = f"a{name}"
    again.__qualname__ = method.__qualname__.removesuffix(name) + again.__name__
    again.__doc__ = f"The same as ``{name}``.\n\n{inspect.getdoc(method)}"
    return cast("Method", again)
