"""The asynchronous client."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from ._bridge import perform
from ._client import APIResponse, BaseClient, response_of

if TYPE_CHECKING:
    from typing_extensions import Self

    from .async_base import AsyncAPIModel, AsyncManager

    M = TypeVar("M", bound=AsyncAPIModel)

__all__ = ["AsyncServiceClient"]


class AsyncServiceClient(BaseClient):
    """A client of one API for asyncio. Event loops and threads may share it.

    Closing it drops its connections; a later call opens new ones.
    """

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Drops the connections. Requests under way go on."""
        if self._owns_connections:
            await perform(self._engine.close())

    async def aclose(self) -> None:
        """The same as ``close``, for ``contextlib.aclosing``."""
        await self.close()

    def manager(self, model: type[M]) -> AsyncManager[M]:
        """The model's manager on this client, whatever the model is registered with."""
        return model.objects.using(self)

    async def request(
        self,
        method: str,
        endpoint: str,
        *,
        params: Mapping[str, Any] | None = None,
        data: Any = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> APIResponse:
        """A request that is written by hand. An error status raises."""
        return response_of(await perform(self._request(method, endpoint, params, data, headers, timeout)))

    async def get(self, endpoint: str, params: Mapping[str, Any] | None = None) -> APIResponse:
        return await self.request("GET", endpoint, params=params)

    async def post(self, endpoint: str, data: Any = None) -> APIResponse:
        return await self.request("POST", endpoint, data=data)

    async def patch(self, endpoint: str, data: Any = None) -> APIResponse:
        return await self.request("PATCH", endpoint, data=data)

    async def put(self, endpoint: str, data: Any = None) -> APIResponse:
        return await self.request("PUT", endpoint, data=data)

    async def delete(self, endpoint: str) -> APIResponse:
        return await self.request("DELETE", endpoint)
