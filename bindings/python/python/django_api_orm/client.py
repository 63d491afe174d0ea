"""The synchronous client."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from ._blocking import run
from ._client import APIResponse, BaseClient, BasicAuth, BearerAuth, Credential, HeaderAuth, TokenAuth, response_of

if TYPE_CHECKING:
    from typing_extensions import Self

    from .base import APIModel, Manager

    M = TypeVar("M", bound=APIModel)

__all__ = ["APIResponse", "BasicAuth", "BearerAuth", "Credential", "HeaderAuth", "ServiceClient", "TokenAuth"]


class ServiceClient(BaseClient):
    """A client of one API, for code without an event loop. Threads may share it.

    Closing it drops its connections; a later call opens new ones.
    """

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Drops the connections."""
        if self._owns_connections:
            run(self._engine.close())

    def manager(self, model: type[M]) -> Manager[M]:
        """The model's manager on this client, whatever the model is registered with."""
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
        """A request that is written by hand. An error status raises."""
        return response_of(run(self._request(method, endpoint, params, data, headers, timeout)))

    def get(self, endpoint: str, params: Mapping[str, Any] | None = None) -> APIResponse:
        return self.request("GET", endpoint, params=params)

    def post(self, endpoint: str, data: Any = None) -> APIResponse:
        return self.request("POST", endpoint, data=data)

    def patch(self, endpoint: str, data: Any = None) -> APIResponse:
        return self.request("PATCH", endpoint, data=data)

    def put(self, endpoint: str, data: Any = None) -> APIResponse:
        return self.request("PUT", endpoint, data=data)

    def delete(self, endpoint: str) -> APIResponse:
        return self.request("DELETE", endpoint)
