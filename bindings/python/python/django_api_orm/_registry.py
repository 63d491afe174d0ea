"""Which client a model uses.

A registration is kept in a context variable, so that concurrent tasks and threads that register the same model with clients
of their own never see each other's. It is also kept by class, for code that runs in another context, such as the requests
of a server whose startup hook registered the models. That one counts only as long as all registrations of the model were
alike: once there were two different clients, it is ambiguous which one is meant, even after one of them was closed. From then
on a closed client does not count in its own context either, because the thread of a pool may have moved on to another job.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from .exceptions import ConfigurationError

if TYPE_CHECKING:
    from ._client import BaseClient

_Clients = Mapping[type[Any], "BaseClient"]
_context: ContextVar[_Clients] = ContextVar("django_api_orm_clients")
_NONE: _Clients = {}


class _Registrations:
    """The registrations of one model, in any context."""

    __slots__ = ("identities", "last")

    def __init__(self, last: BaseClient) -> None:
        self.last = last
        #: The identities of all clients so far; two are enough to make it ambiguous which one is meant.
        self.identities: set[object] = set()


_registrations: WeakKeyDictionary[type[Any], _Registrations] = WeakKeyDictionary()
_lock = threading.Lock()


def register(client: BaseClient, *models: type[Any]) -> None:
    """Registers the models with the client, in this context and in those copied from it."""
    here = WeakKeyDictionary(_context.get(_NONE))
    client._closed = False
    with _lock:
        for model in models:
            registrations = _registrations.setdefault(model, _Registrations(client))
            registrations.last = client
            if len(registrations.identities) < 2:
                registrations.identities.add(client._identity)
            here[model] = client
    _context.set(here)


def unregister_models(*model_classes: type[Any]) -> None:
    """Forgets every client that the models were registered with, in this context and by class.

    For programs and tests that switch to another client, such as another account or another server. Other contexts in which
    the models are registered, such as running tasks, keep their clients. Models that are not registered are ignored.

    Requests: none.
    """
    here = WeakKeyDictionary(_context.get(_NONE))
    with _lock:
        for model in model_classes:
            here.pop(model, None)
            _registrations.pop(model, None)
    _context.set(here)


def client_of(model: type[Any]) -> BaseClient:
    """The client that the model uses in this context.

    Raises ``ConfigurationError`` when there is none, or when it is ambiguous which one is meant.
    """
    here = _context.get(_NONE).get(model)
    if here is not None and not here._closed:
        return here
    with _lock:
        registrations = _registrations.get(model)
        client = here if registrations is None or here is not None else registrations.last
        identities = set() if registrations is None else set(registrations.identities)
    if client is None:
        function = model._register_function
        raise ConfigurationError(
            f"model `{model.__name__}` is not registered with a client: call "
            f"`{function}(client, {model.__name__})` first, or use `client.manager({model.__name__})`"
        )
    if here is not None:
        identities.add(here._identity)
    if len(identities) > 1:
        state = "none of them in this context" if here is None else "the one in this context is closed"
        raise ConfigurationError(
            f"model `{model.__name__}` was registered with several clients that differ in address or credentials, and "
            f"{state}: register it in this context, name the client (`{model.__name__}.objects.using(client)`), or call "
            f"`unregister_models({model.__name__})` before the registration that is meant for every context"
        )
    return client


def is_registered(model: type[Any], client: BaseClient) -> bool:
    """Whether the model uses this client in this context, or one for the same server and account."""
    try:
        return client_of(model)._identity == client._identity
    except ConfigurationError:
        return False


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
