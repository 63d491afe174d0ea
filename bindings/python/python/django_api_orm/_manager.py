"""What synchronous and asynchronous managers share: model, client and collection, and delegation to querysets."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import TYPE_CHECKING, Any, Generic

from ._building import Building
from ._client import endpoint_of
from ._engine import Endpoint, Operation
from ._query import MOST_ROWS, BaseQuery, M, is_ours
from ._registry import client_of

if TYPE_CHECKING:
    from typing_extensions import Self

    from ._client import BaseClient


class BaseManager(Generic[M]):
    """Where queries start. ``User.objects`` is one, bound to the model and its client."""

    _query_class: type[Any]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # The methods that ask the server are written once, and managers inherit them too. A manager delegates them to its
        # queryset, whose class may override them.
        for base in cls.__bases__:
            if "_start" in vars(base) and not issubclass(base, BaseManager):
                for name, method in vars(base).items():
                    if isinstance(method, FunctionType) and not name.startswith("_") and name not in vars(cls):
                        setattr(cls, name, _passed_on(name, method))

    def __init__(self, model_class: type[M] | None = None, client: Any = None) -> None:
        self._model = model_class
        self._explicit: BaseClient | None = client
        self._at: str | None = None
        self._base: BaseQuery[M] | None = None
        self._bound: BaseClient | None = None

    def _copy(self) -> Self:
        copy = type(self).__new__(type(self))
        copy.__dict__.update(self.__dict__)
        return copy

    def _state(self) -> tuple[str, dict[str, Any]]:
        """For pickles: under which name the model has such a manager, and what this one has of its own."""
        model = self.model
        for name in dir(model):
            if not name.startswith("_") and type(getattr(model, name, None)) is type(self):
                values = vars(self).items()
                return name, {key: value for key, value in values if key not in ("_model", "_explicit", "_base", "_bound")}
        raise TypeError(
            f"this queryset cannot be pickled: `{model.__name__}` has no manager of the class {type(self).__name__}"
        )

    def _bind(self, owner: type[Any]) -> Self:
        if self._model is owner or (self._model is not None and self._explicit is not None):
            return self
        bound = self._copy()
        bound._model = owner
        return bound

    def _on(self, query: BaseQuery[M]) -> Self:
        """The same manager, whose queries continue from this one."""
        manager = self._copy()
        manager._base = query
        return manager

    @property
    def model(self) -> type[M]:
        """The model class.

        Raises: ``TypeError`` for a manager without a model.
        Requests: none.
        """
        if self._model is None:
            raise TypeError("a manager is used through a model: User.objects")
        return self._model

    model_class = model

    @property
    def client(self) -> Any:
        """The client that queries use in this context.

        Raises: ``ConfigurationError`` when the model is not registered, or when it is ambiguous which client is meant.
        Requests: none.
        """
        if self._base is not None:
            return self._base._client
        return self._explicit if self._explicit is not None else client_of(self.model)

    def using(self, client: Any) -> Self:
        """The same manager on this client, whichever client the model is registered with.

        Requests: none.
        """
        manager = self._copy()
        manager._explicit = client
        return manager

    def at(self, endpoint: str) -> Self:
        """The same model at another collection, such as the nested route ``/api/v1/users/3/posts/``.

        Requests: none.
        """
        manager = self._copy()
        manager._at = endpoint
        return manager

    def get_endpoint(self) -> str:
        """The collection's path.

        Requests: none.
        """
        return self._at if self._at is not None else self.model.get_endpoint()

    def _new_row(self, get_queryset: Any, create: Any, values: Mapping[str, Any]) -> tuple[BaseClient, M] | None:
        """The row that ``create`` is to save, and its client, without a queryset; ``None`` as for ``_by_value``."""
        kind: Any = type(self)
        model = self._model
        if model is None or self._at is not None or self._base is not None or kind.get_queryset is not get_queryset:
            return None
        if kind._query_class.create is not create:
            return None
        client: BaseClient = self._explicit if self._explicit is not None else client_of(model)
        return client, model._unsaved(values, client)

    def _by_value(
        self, get_queryset: Any, get: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> tuple[type[M], BaseClient, Operation] | None:
        """What ``get`` asks where it is given one field's value and nothing else has a say: no queryset is made for that.

        ``None`` where the program has methods of its own in place of these two, or the value is not as plain as most keys are.
        """
        kind: Any = type(self)
        query_class = kind._query_class
        if args or len(kwargs) != 1 or self._at is not None or self._base is not None or kind.get_queryset is not get_queryset:
            return None
        if query_class.get is not get or query_class.filter is not Building.filter:
            return None
        model = self._model
        if model is None:
            return None
        ((name, value),) = kwargs.items()
        field = model._info().paths.get(name)
        # A number or a text that JSON has as it is.
        is_plain = -MOST_ROWS <= value <= MOST_ROWS if type(value) is int else type(value) is str and value.isascii()
        if field is None or not is_plain:
            return None
        client: BaseClient = self._explicit if self._explicit is not None else client_of(model)
        return model, client, client._endpoint(model).get_by(field, value)

    def _rows(self) -> Endpoint:
        return endpoint_of(self.client, self.model, self._at)

    def _query(self) -> Any:
        if self._base is not None:
            return self._base._clone()
        client = self.client
        return self._query_class(self.model, client, endpoint=endpoint_of(client, self.model, self._at), manager=self)

    @classmethod
    def _from_queryset(cls, queryset_class: type[Any], class_name: str | None) -> type[Any]:
        methods: dict[str, Any] = {"_query_class": queryset_class, "__module__": queryset_class.__module__}
        for owner in reversed(queryset_class.__mro__):
            for name, method in vars(owner).items():
                queryset_only = getattr(method, "queryset_only", name.startswith("_"))
                if isinstance(method, FunctionType) and not queryset_only and not hasattr(cls, name) and not is_ours(owner):
                    methods[name] = _passed_on(name, method)
        return type(class_name or f"{cls.__name__}From{queryset_class.__name__}", (cls,), methods)

    def _route(self, route: str, key: Any = None) -> str:
        model = self.model._info().engine
        if self._at is not None:
            model = model.at(self._at)
        return model.route(None if key is None else str(key), route)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._model.__name__ if self._model else 'no model'}>"


def _passed_on(name: str, method: FunctionType) -> Callable[..., Any]:
    """A method of managers that delegates to the manager's queryset."""

    async def awaited(self: Any, *args: Any, **kwargs: Any) -> Any:
        return await getattr(self.get_queryset(), name)(*args, **kwargs)

    def called(self: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(self.get_queryset(), name)(*args, **kwargs)

    return functools.wraps(method)(awaited if inspect.iscoroutinefunction(method) else called)
