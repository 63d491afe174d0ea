"""Asynchronous models, managers and querysets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeVar, cast, overload

from . import _registry
from ._alias import alias
from ._async_evaluation import AsyncEvaluation, ask
from ._async_queries import AsyncQueries
from ._client import APIResponse, response_of
from ._json import to_json
from ._manager import BaseManager
from ._model import BaseAPIModel
from ._query import M
from ._starting import Starting
from .async_client import AsyncServiceClient
from .exceptions import ConfigurationError, ConflictError
from .q import Q

if TYPE_CHECKING:
    from typing_extensions import Self

    from ._engine import Operation
    from ._schema import Save

__all__ = ["AsyncAPIModel", "AsyncManager", "AsyncQuerySet", "register_async_models"]


class AsyncQuerySet(AsyncEvaluation[M], AsyncQueries[M]):
    """A lazy description of rows; evaluated by ``await``, ``async for`` and ``await qs._fetch()``, and then kept.

    A subclass adds methods of its own; ``objects = UserQuerySet.as_manager()`` gives them to the model too.
    """

    def _start(self) -> Self:
        return self

    @classmethod
    def as_manager(cls) -> ManagerOf[Self]:
        """A manager with the methods of this class: ``objects = UserQuerySet.as_manager()``.

        Requests: none.
        """
        return AsyncManager.from_queryset(cls)()

    async def delete(self) -> int:
        """Deletes every row; returns how many. Each row is checked against the whole filter before it is touched. Several
        requests are in flight at a time: ``concurrency``.

        Raises: as ``update``.
        Requests: one GET for each page, then one DELETE for each row.
        """
        return self._written(await ask(self._delete(), self.model))

    adelete = alias(delete)


Model = TypeVar("Model", bound="AsyncAPIModel")
Rows = TypeVar("Rows", bound=AsyncQuerySet[Any])


class ModelManager:
    """The ``objects`` of a model that declares no manager."""

    # The second overload lets a model have an `objects` of any type.
    @overload
    def __get__(self, instance: None, owner: type[Model]) -> AsyncManager[Model]: ...
    @overload
    def __get__(self, instance: object, owner: type[Any]) -> Any: ...
    def __get__(self, instance: object, owner: type[Any]) -> Any:
        if instance is not None:
            raise AttributeError("managers are accessed through the class, not through an instance")
        manager = owner._own_manager
        if manager is None or manager._model is not owner:
            manager = owner._own_manager = AsyncManager(owner)
        return manager


if TYPE_CHECKING:

    class ManagerOf(Generic[Rows]):
        """A manager with the methods of a queryset class, which type checkers take for such a queryset."""

        def __get__(self, instance: object, owner: type[Any]) -> Rows: ...


class AsyncManager(BaseManager[M], AsyncQueries[M], Starting):
    """Where queries start: ``User.objects``. A subclass adds methods of its own, which chain.

    Methods that querysets have too are called on ``get_queryset()``.
    """

    _query_class = AsyncQuerySet

    def __get__(self, instance: object, owner: type[Any]) -> Self:
        if instance is not None:
            raise AttributeError("managers are accessed through the class, not through an instance")
        return self._bind(owner)

    @classmethod
    def from_queryset(cls, queryset_class: type[Rows], class_name: str | None = None) -> type[ManagerOf[Rows]]:
        """A manager class with the methods of a queryset class: ``objects = AsyncManager.from_queryset(UserQuerySet)()``.

        As in Django: methods whose names begin with an underscore, or with ``queryset_only = True``, stay on the
        queryset, and those that this class has are not replaced. Type checkers see the queryset's methods.

        Requests: none.
        """
        return cast("type[ManagerOf[Rows]]", cls._from_queryset(queryset_class, class_name))

    def _start(self) -> AsyncQuerySet[M]:
        return self.get_queryset()

    def get_queryset(self) -> AsyncQuerySet[M]:
        """The queryset that every query starts from; override it to restrict them all.

        Requests: none.
        """
        return cast("AsyncQuerySet[M]", self._query())

    async def get(self, *args: Q, **kwargs: Any) -> M:
        # Its docstring is that of a queryset's.
        asked = self._by_value(AsyncManager.get_queryset, AsyncQueries.get, args, kwargs)
        if asked is None:
            return await self.get_queryset().get(*args, **kwargs)
        model, client, operation = asked
        return model._from_row(await ask(operation, model), client)

    get.__doc__ = AsyncQueries.get.__doc__

    async def create(self, **kwargs: Any) -> M:
        made = self._new_row(AsyncManager.get_queryset, AsyncQueries.create, kwargs)
        if made is None:
            return await self.get_queryset().create(**kwargs)
        client, new = made
        save = new._new()
        new._saved(save, await ask(client._endpoint(type(new)).create(save.json), type(new)))
        return new

    create.__doc__ = AsyncQueries.create.__doc__

    async def route(self, route: str, method: str = "GET", data: Any = None) -> APIResponse:
        """Calls an extra route of the collection (DRF's ``@action(detail=False)``); ``data`` is sent as JSON.

        Raises: ``APIException``, also for an error status.
        Requests: one, of that method.
        """
        body = None if data is None else to_json(data)
        return response_of(await ask(self._rows().call(method, self._route(route), body), self.model))


class AsyncAPIModel(BaseAPIModel):
    """A row of an asynchronous model."""

    __slots__ = ()

    _register_function: ClassVar[str] = "register_async_models"

    objects = ModelManager()

    async def save(
        self,
        update_fields: Iterable[str] | None = None,
        *,
        force_insert: bool = False,
        on_conflict: Literal["error", "merge"] = "error",
        check: bool = False,
    ) -> None:
        """Sends the fields that have changed, or exactly ``update_fields``; of a new row, every field that was given. A field
        that was assigned, and that the row does not show, has changed, whatever its value.

        A row without a key, or whose key was made by a default, is new. A row whose key the program gave is taken for one
        that the server has, and is changed without being read; ``force_insert`` creates it. A row whose key was set to
        ``None`` is a copy, as in Django: it is created with the other fields, also those that a list has left out, and is the
        new row from then on.

        A row that was read by itself, and for which the server named a version (``ETag``, or else ``Last-Modified``), is
        saved only as that version. ``on_conflict="merge"`` writes the changes into the row as it is now, if nobody else has
        changed the same fields. ``check`` reads the row first, and compares the fields that are to be sent with those of the
        row as it was read: for rows without a version, which are those of lists, and all of servers that name none. There a
        change between the check and the write is not noticed. A row that was saved where the server names versions, though
        none in answers to writes, is read and compared before it is saved again.

        After an error the changes are still unsaved.

        Raises: ``PreconditionFailedError`` when somebody else has changed the row, ``ConflictError`` when a check has shown it:
        with ``instance``, ``current`` and ``fields``; ``PreconditionRequiredError`` when the server wants a version, and the
        row has none; ``BadRequestError`` with the server's messages in ``errors``; ``OutcomeUnknown`` when the change may have
        been made nevertheless, or a page or something else than the row was the answer; ``FieldError`` for a name that is no
        field, ``ValueError`` for one that is read-only; ``UnsavedError`` when the server did not keep a value, which is then
        still unsaved; ``Model.DoesNotExist``; ``APIException``.
        Requests: one PATCH; one POST for a new row; none when nothing has changed. One GET more for a copy of a row that does
        not show every field, for a check, where the row was changed by somebody else (a merge then sends another PATCH), and
        where the answer to the last write named no version on a server that names them.
        """
        if saving := self._saving(update_fields, force_insert, on_conflict, check):
            await self._write(*saving)

    async def _write(self, save: Save, operation: Operation) -> None:
        try:
            answer = await ask(operation, type(self))
        except ConflictError as conflict:
            self._failed(conflict)
            raise
        self._saved(save, answer)

    async def delete(self, *, check: bool = False) -> None:
        """Deletes the row, if it has a version only as that: see ``save``. The instance stays readable.

        ``check`` reads the row first, and compares what both rows show, but for read-only fields: for rows without a version.

        Raises: ``InvalidRequestError`` for a row that was never saved, or was deleted; ``PreconditionFailedError`` when
        somebody else has changed the row, ``ConflictError`` when a look at the row has shown it; ``Model.DoesNotExist``;
        ``APIException``.
        Requests: one DELETE. One GET more for a check, where the row was changed, and where it was saved on a server that
        names versions, though none in answers to writes.
        """
        try:
            await ask(self._endpoint_of_row().delete(self._key(), self._row, check=check), type(self))
        except ConflictError as conflict:
            self._failed(conflict)
            raise
        object.__setattr__(self, "_deleted", True)

    async def refresh_from_api(self) -> None:
        """Reads the row again; unsaved changes are lost.

        Raises: as ``delete``; ``pydantic.ValidationError`` for a row that does not fit the schema.
        Requests: one GET of the row's URL.
        """
        self._refreshed(await ask(self._endpoint_of_row().refresh(self._key(), self._row), type(self)))

    async def route(self, route: str, method: str = "POST", data: Any = None) -> APIResponse:
        """Calls an extra route of the row (DRF's ``@action(detail=True)``); ``data`` is sent as JSON.

        The instance is not changed.

        Raises: ``InvalidRequestError`` for a row that was never saved; ``APIException``, also for an error status.
        Requests: one, of that method.
        """
        endpoint = self._endpoint_of_row()
        path = self._path_of(route)
        body = None if data is None else to_json(data)
        return response_of(await ask(endpoint.call(method, path, body), type(self)))

    asave = alias(save)
    adelete = alias(delete)
    arefresh_from_api = alias(refresh_from_api)

    def _related_row(self, relation: Any) -> Any:
        from .async_relating import related

        return related(self, relation)

    def _related_rows(self, relation: Any) -> Any:
        from .async_relating import AsyncRelatedManager

        return AsyncRelatedManager(self, relation)

    def related(self, model: type[Model], route: str) -> AsyncManager[Model]:
        """The rows of another model at a nested route of this row: ``user.related(Post, "posts")``.

        Raises: ``InvalidRequestError`` for a row that was never saved.
        Requests: none.
        """
        return model.objects.using(self._client_of_row()).at(self._path_of(route))


def register_async_models(client: AsyncServiceClient, *model_classes: type[AsyncAPIModel]) -> None:
    """Registers the models with the client, in this context and in those copied from it.

    Raises: ``ConfigurationError`` for a synchronous client or model, or a model without a schema or an endpoint.
    Requests: none.
    """
    if not isinstance(client, AsyncServiceClient):
        raise ConfigurationError(f"register_async_models() takes an AsyncServiceClient, not {type(client).__name__}")
    for model in model_classes:
        if not (isinstance(model, type) and issubclass(model, AsyncAPIModel)):
            raise ConfigurationError(f"{model!r} is not a subclass of AsyncAPIModel; APIModel has register_models()")
        model._info()
    _registry.register(client, *model_classes)
