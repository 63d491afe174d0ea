# Generated from async_client.py by scripts/generate.py: change that file, and run `make generate`.
"""The synchronous client."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from ._blocking import perform
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

    from .base import APIModel, Manager

    M = TypeVar("M", bound=APIModel)

__all__ = [
    "APIException",
    "APIResponse",
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
    "ServiceClient",
    "SessionAuth",
    "TimeoutError",
    "TokenAuth",
]


class ServiceClient(BaseClient):
    """A client of one API for code without an event loop. Threads may share it.

    The settings are described in ``BaseClient.__init__``. Leaving its ``with`` block drops its connections; a later
    call opens new ones.
    """

    def __enter__(self) -> Self:
        self._closed = False
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Drops the connections; the next request opens new ones. A client made by ``with_auth`` leaves them open.

        Requests under way go on.

        Requests: none.
        """
        self._closed = True
        if self._owns_connections:
            perform(self._engine.close())

    def manager(self, model: type[M]) -> Manager[M]:
        """The model's manager on this client, whichever client the model is registered with.

        Requests: none.
        """
        return model.objects.using(self)

    def request(
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
        return response_of(perform(self._request(method, endpoint, params, data, headers, timeout)))

    def get(self, endpoint: str, params: Mapping[str, Any] | None = None) -> APIResponse:
        """Reads a path below ``base_url``. As ``request``.

        Requests: one GET, and its retries.
        """
        return self.request("GET", endpoint, params=params)

    def post(self, endpoint: str, data: Any = None) -> APIResponse:
        """Sends JSON to a path below ``base_url``. As ``request``.

        Raises: ``OutcomeUnknown`` when the server may have carried it out; and as ``request``.
        Requests: one POST, which is never sent again once the server may have received it.
        """
        return self.request("POST", endpoint, data=data)

    def patch(self, endpoint: str, data: Any = None) -> APIResponse:
        """Sends changes as JSON. As ``request``.

        Raises: ``OutcomeUnknown`` when the server may have carried it out; and as ``request``.
        Requests: one PATCH, which is never sent again once the server may have received it.
        """
        return self.request("PATCH", endpoint, data=data)

    def put(self, endpoint: str, data: Any = None) -> APIResponse:
        """Sends a whole row as JSON. As ``request``.

        Requests: one PUT, and its retries.
        """
        return self.request("PUT", endpoint, data=data)

    def delete(self, endpoint: str) -> APIResponse:
        """Deletes the resource at a path. As ``request``.

        Requests: one DELETE, and its retries.
        """
        return self.request("DELETE", endpoint)
