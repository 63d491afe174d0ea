"""Which model a relation means: a class, or the name of one that may come later."""

from __future__ import annotations

import re
import typing
import weakref
from collections.abc import Callable
from typing import Any

from .exceptions import ConfigurationError

_models: dict[str, list[weakref.ref[type[Any]]]] = {}
_WORDS = re.compile(r"[\w.]+")


def known(model: type[Any]) -> None:
    """Remembers a model class for relations that name it."""
    alive = [each for each in _models.get(model.__name__, ()) if each() is not None]
    _models[model.__name__] = [*alive, weakref.ref(model)]


def target_of(declared: Any, owner: type[Any], name: str) -> type[Any]:
    """The model that a relation names: in the owner's module, or by its name wherever it is."""
    arguments = [argument for argument in typing.get_args(declared) if argument is not type(None)]
    declared = arguments[0] if arguments else declared
    declared = getattr(declared, "__forward_arg__", declared)
    where = f"`{owner.__name__}.{name}`"
    if isinstance(declared, type):
        found: type[Any] = declared
    else:
        words = [word for word in _WORDS.findall(str(declared)) if word not in ("None", "Optional", "Union", "typing")]
        found = _named(words[0] if len(words) == 1 else str(declared), owner, where)
    if not hasattr(found, "_register_function"):
        raise ConfigurationError(f"{where} points at {found.__name__}, which is not a model")
    if found._register_function != owner._register_function:
        raise ConfigurationError(
            f"{where} points at `{found.__name__}`, which is of the other half: a synchronous model points at synchronous "
            "ones, an asynchronous one at asynchronous ones"
        )
    return found


def _named(name: str, owner: type[Any], where: str) -> type[Any]:
    module, _, short = name.rpartition(".")
    models = [model for each in _models.get(short, ()) if (model := each()) is not None]
    halves = [model for model in models if model._register_function == owner._register_function]
    models = halves or models
    scope = owner.__qualname__.rpartition(".")[0]
    narrower: list[Callable[[type[Any]], bool]] = [
        lambda model: not module or model.__module__ == module or model.__module__.endswith("." + module),
        lambda model: model.__module__ == owner.__module__,
        lambda model: model.__qualname__.rpartition(".")[0] == scope,
    ]
    models = [model for model in models if narrower[0](model)]
    for holds in narrower[1:]:
        models = [model for model in models if holds(model)] or models
    if not models:
        raise ConfigurationError(f"{where} points at `{name}`, and no model has that name: import its module first")
    places = {(model.__module__, model.__qualname__) for model in models}
    if len(places) > 1:
        choices = ", ".join(sorted(".".join(place) for place in places))
        raise ConfigurationError(f"{where} points at `{name}`, which may be {choices}: name the module, too")
    # A class that was defined again, in a notebook or by a reload, replaces the earlier one.
    return models[-1]
