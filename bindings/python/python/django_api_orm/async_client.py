"""The asynchronous client."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from ._alias import alias
from ._bridge import perform
from ._client import (
    APIResponse,
    BaseClient,
    BasicAuth,
    BearerAuth,
    Credential,
    HeaderAuth,
    JWTAuth,
    OAuth2ClientCredentials,
    SessionAuth,
    TokenAuth,
    response_of,
)
from .exceptions import (
    APIException,
    AuthenticationError,
    ConnectionError,
    DoesNotExist,
    HTTPStatusError,
    RateLimitError,
    TimeoutError,
)

if TYPE_CHECKING:
    from typing_extensions import Self

    from .async_base import AsyncAPIModel, AsyncManager

    M = TypeVar("M", bound=AsyncAPIModel)

__all__ = [
    "APIException",
    "APIResponse",
    "AsyncServiceClient",
    "AuthenticationError",
    "BasicAuth",
    "BearerAuth",
    "ConnectionError",
    "Credential",
    "DoesNotExist",
    "HTTPStatusError",
    "HeaderAuth",
    "JWTAuth",
    "OAuth2ClientCredentials",
    "RateLimitError",
    "SessionAuth",
    "TimeoutError",
    "TokenAuth",
]


class AsyncServiceClient(BaseClient):
    """A client of one API for asyncio. Event loops and threads may share it.

    The settings are described in ``BaseClient.__init__``. Leaving its ``async with`` block drops its connections; a later
    call opens new ones.
    """

    async def __aenter__(self) -> Self:
        self._closed = False
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Drops the connections; the next request opens new ones. A client made by ``with_auth`` leaves them open.

        Requests under way go on.

        Requests: none.
        """
        self._closed = True
        if self._owns_connections:
            await perform(self._engine.close())

    # For `contextlib.aclosing`.
    aclose = alias(close)

    def manager(self, model: type[M]) -> AsyncManager[M]:
        """The model's manager on this client, whichever client the model is registered with.

        Requests: none.
        """
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
        """Sends a request that is written by hand, such as one to a route that is not a collection.

        ``endpoint`` is a path below ``base_url``; ``params`` become the query (``None`` is left out; a list repeats the
        name, and is joined by commas for ``__in`` and ``__range``); ``data`` is sent as JSON; ``timeout``, in seconds,
        replaces the client's.

        Raises: ``InvalidRequestError`` for a path that leaves the base URL; ``APIException``, also for an error status.
        Requests: one, of that method, and its retries.
        """
        return response_of(await perform(self._request(method, endpoint, params, data, headers, timeout)))

    async def get(self, endpoint: str, params: Mapping[str, Any] | None = None) -> APIResponse:
        """Reads a path below ``base_url``. As ``request``.

        Requests: one GET, and its retries.
        """
        return await self.request("GET", endpoint, params=params)

    async def post(self, endpoint: str, data: Any = None) -> APIResponse:
        """Sends JSON to a path below ``base_url``. As ``request``.

        Raises: ``OutcomeUnknown`` when the server may have carried it out; and as ``request``.
        Requests: one POST, which is never sent again once the server may have received it.
        """
        return await self.request("POST", endpoint, data=data)

    async def patch(self, endpoint: str, data: Any = None) -> APIResponse:
        """Sends changes as JSON. As ``request``.

        Raises: ``OutcomeUnknown`` when the server may have carried it out; and as ``request``.
        Requests: one PATCH, which is never sent again once the server may have received it.
        """
        return await self.request("PATCH", endpoint, data=data)

    async def put(self, endpoint: str, data: Any = None) -> APIResponse:
        """Sends a whole row as JSON. As ``request``.

        Requests: one PUT, and its retries.
        """
        return await self.request("PUT", endpoint, data=data)

    async def delete(self, endpoint: str) -> APIResponse:
        """Deletes the resource at a path. As ``request``.

        Requests: one DELETE, and its retries.
        """
        return await self.request("DELETE", endpoint)
