"""Which client a model speaks through.

A registration is held in a context variable, so that concurrent tasks and threads that register the same model with clients
of their own never see each other's. It is held on the class too, for code that runs in another context, such as the tasks of
a server whose startup hook registered the models. There it counts only while it leaves no doubt whose client it is.
"""

from __future__ import annotations

import os
import threading
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from .exceptions import ConfigurationError

if TYPE_CHECKING:
    from ._client import BaseClient

_context: ContextVar[dict[type[Any], BaseClient]] = ContextVar("django_api_orm_clients")


class _Registrations:
    """The registrations of one model, outside of any context."""

    __slots__ = ("ever", "last", "open")

    def __init__(self) -> None:
        #: Clients that are not closed, the latest last.
        self.open: list[BaseClient] = []
        #: The latest client.
        self.last: BaseClient | None = None
        #: The identities that were ever registered; two are enough to be in doubt.
        self.ever: set[object] = set()


_registrations: WeakKeyDictionary[type[Any], _Registrations] = WeakKeyDictionary()
_lock = threading.Lock()


def register(client: BaseClient, *models: type[Any]) -> None:
    """Lets the models speak through the client, in this context and those that come from it."""
    here = dict(_context.get({}))
    with _lock:
        for model in models:
            registrations = _registrations.setdefault(model, _Registrations())
            replaced = here.get(model)
            if replaced is not None and replaced in registrations.open:
                registrations.open.remove(replaced)
                if not registrations.open:
                    registrations.ever.clear()
            if client not in registrations.open:
                registrations.open.append(client)
            registrations.last = client
            if len(registrations.ever) < 2:
                registrations.ever.add(client._identity)
            here[model] = client
    _context.set(here)


def closed(client: BaseClient) -> None:
    """The client was closed: other contexts do not find it any more, unless there never was another."""
    with _lock:
        for registrations in list(_registrations.values()):
            if client in registrations.open:
                registrations.open.remove(client)


def opened(client: BaseClient, *models: type[Any]) -> None:
    """The client was opened again by a ``with`` block."""
    with _lock:
        for model in models:
            registrations = _registrations.get(model)
            if registrations is not None and client not in registrations.open:
                registrations.open.append(client)


def client_of(model: type[Any]) -> BaseClient:
    """The client that the model speaks through here.

    Raises ``ConfigurationError`` when there is none, or when it is in doubt which one is meant.
    """
    client = _context.get({}).get(model)
    if client is not None:
        return client
    registrations = _registrations.get(model)
    if registrations is None or registrations.last is None:
        function = model._register_function
        raise ConfigurationError(
            f"model `{model.__name__}` is not registered with a client: call "
            f"`{function}(client, {model.__name__})` first, or use `client.manager({model.__name__})`"
        )
    identities = {client._identity for client in registrations.open} or registrations.ever
    if len(identities) > 1:
        raise ConfigurationError(
            f"model `{model.__name__}` was registered with several clients that differ in address or credentials, and none "
            "of them in this context; register it here, or name the client: "
            f"`{model.__name__}.objects.using(client)`"
        )
    return registrations.open[-1] if registrations.open else registrations.last


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
