"""Checks the settings in a model's class body: a misspelt one is an error where it is written, not silently ignored."""

from __future__ import annotations

from abc import ABCMeta
from collections.abc import Iterable, Mapping
from typing import Any

from . import _engine
from .exceptions import ConfigurationError

#: The settings of a model class, described in docs/python/models.md.
SETTINGS = (
    "_schema_class",
    "_endpoint",
    "_id_field",
    "_lookup_field",
    "_read_only_fields",
    "_filter_fields",
    "_pagination",
    "_expand_parameter",
    "_prefetch_parameter",
    "_json_api",
    "_repeated_values",
    "_small_table",
    "_idempotency_header",
    "_natural_key",
)


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The known name that is closest to a misspelt one, if any is close."""
    return _engine.nearest(name, list(names))


def _meant(name: str) -> str | None:
    """The setting that a name was meant to be: a misspelt one, or one cut short, such as ``_schema``."""
    short = name.removesuffix("s") + "_"
    for setting in SETTINGS:
        if setting.startswith(short):
            return setting
    near = nearest(name, SETTINGS)
    return near if near is not None and abs(len(near) - len(name)) <= 2 else None


def _is_code(value: Any) -> bool:
    return callable(value) or hasattr(value, "__get__")


class _Djangos:
    """What Django's own helpers look for on a model, and find nowhere.

    A ``__getattr__`` of the metaclass would do as well, and make every look at a class several times as slow.
    """

    def __init__(self, error: type[Exception]) -> None:
        self._error = error

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self._name = name

    # Without a `__set__`: an attribute that the model has goes before this.
    def __get__(self, model: type[Any] | None, owner: type[Any]) -> Any:
        if model is None:
            return self
        raise self._error(not_djangos(model, self._name))


class ModelType(ABCMeta):
    """The metaclass of models; a subclass of ``ABCMeta``, so that a model may have abstract bases."""

    _meta = _Djangos(AttributeError)
    _base_manager = _Djangos(AttributeError)
    # `get_object_or_404` would swallow an `AttributeError`, and say that this is not a model.
    _default_manager = _Djangos(TypeError)

    def __new__(mcls, name: str, bases: tuple[type[Any], ...], namespace: Mapping[str, Any], **kwargs: Any) -> ModelType:
        for attribute, value in namespace.items():
            if attribute[0] != "_" or attribute[:2] == "__" or attribute in SETTINGS or attribute.startswith(f"_{name}__"):
                continue
            if any(hasattr(base, attribute) for base in bases) or (_is_code(value) and not isinstance(value, type)):
                continue
            setting = _meant(attribute)
            if setting is not None and setting not in namespace:
                raise ConfigurationError(f"`{name}.{attribute}` is not a setting of models: did you mean `{setting}`?")
        return super().__new__(mcls, name, bases, dict(namespace), **kwargs)

    def __setattr__(cls, name: str, value: Any) -> None:
        known = name[:2] == "__" or name[:5] == "_abc_" or name in SETTINGS or hasattr(cls, name)
        if not known and not (_is_code(value) and _meant(name) is None):
            setting = _meant(name)
            cure = f"did you mean `{setting}`?" if setting else "declare it in the class body, or set it on an instance"
            raise AttributeError(f"`{cls.__name__}` has no attribute `{name}`: {cure}")
        super().__setattr__(name, value)


def not_djangos(model: type[Any], name: str) -> str:
    """The message for a program that takes a model for one of Django's."""
    return (
        f"`{model.__name__}` is a model of django_api_orm, not one of Django's, and has no `{name}`: functions such as "
        f"get_object_or_404() do not work with it; use `{model.__name__}.objects.get(...)` and catch "
        f"`{model.__name__}.DoesNotExist`"
    )


def is_djangos(name: str) -> bool:
    """Whether this is a name that only Django's helpers look for."""
    return isinstance(vars(ModelType).get(name), _Djangos)
