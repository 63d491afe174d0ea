"""A server to try things on: ``python -m django_api_orm.testserver``, or ``with TestServer() as server`` in your tests.

It answers as Django REST Framework does, or in the shape of another API, on the loopback, from memory.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from .exceptions import ConfigurationError

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["TestServer", "main"]


class TestServer:
    """The reference site, or a site made from rows: ``TestServer({"books": [{"id": 1, "title": "Emma"}]})``.

    Each table is at ``/api/v1/NAME/``. ``port=0`` takes a free one; ``token`` is required in every request;
    ``tls=True`` serves https and HTTP/2, with a certificate of ``ca_file``. It ends with its ``with`` block, or by ``close``.

    ``shape`` makes it answer as another API does: the name of a product, such as ``"wagtail"`` or ``"netbox"``, or what
    differs from Django REST Framework, such as ``{"rows": "data", "unknown": 400}``. The guide ``docs/testing.md`` has the
    names and keys.

    Raises: ``ConfigurationError`` in a build without the server; ``ValueError`` for a shape that there is not;
    ``RuntimeError`` when it cannot start.
    """

    __test__ = False

    def __init__(
        self,
        tables: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
        *,
        port: int = 0,
        token: str | None = None,
        tls: bool = False,
        shape: str | Mapping[str, Any] | None = None,
    ) -> None:
        try:
            from ._engine import Server
        except ImportError:
            raise ConfigurationError("this build of django_api_orm has no test server") from None
        seed = None if tables is None else json.dumps(tables, default=str).encode()
        form = None if shape is None else json.dumps(shape).encode()
        self._server = Server(port, tls, seed, token, form)

    @property
    def base_url(self) -> str:
        """What a client is given: ``http://127.0.0.1:PORT``."""
        return self._server.base_url

    @property
    def token(self) -> str | None:
        """The token to send; ``None`` if none is required."""
        return self._server.token

    @property
    def ca_file(self) -> str | None:
        """The authority of the server's certificate, with ``tls=True``; else ``None``."""
        return self._server.ca_file

    def reset(self) -> None:
        """Restores the rows of the start, and clears ``requests``."""
        self._server.reset()

    def requests(self) -> list[tuple[str, str, bytes]]:
        """The requests since the start or the last reset: method, path with query, body."""
        return self._server.requests()

    def delay_next(self, seconds: float) -> None:
        """Answers the next request so many seconds later."""
        self._server.delay_next(seconds)

    def fail_next(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        """Answers the next request with this, and does not carry it out.

        Raises: ``TypeError`` for a body that is text: encode it. ``ValueError`` for what is no status.
        """
        if not isinstance(body, (bytes, bytearray, memoryview)):
            raise TypeError(f"`body` must be bytes, not {type(body).__name__}: encode it, as in json.dumps(..).encode()")
        self._server.fail_next(status, list((headers or {}).items()), bytes(body))

    def close(self) -> None:
        """Ends the server. Afterwards the other methods raise ``RuntimeError``."""
        self._server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves until Ctrl-C or SIGTERM; returns the exit status. ``arguments`` are those of the command line where they are not
    given.
    """
    parser = argparse.ArgumentParser(prog="python -m django_api_orm.testserver", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="listen on this port; otherwise on a free one")
    parser.add_argument("--seed", metavar="FILE", help='serve the tables of this JSON file: {"books": [{...}], ...}')
    parser.add_argument("--shape", metavar="NAME", help="answer as another product does: wagtail, netbox, kinto, ...")
    parser.add_argument("--token", help="require this token")
    parser.add_argument("--tls", action="store_true", help="serve https and HTTP/2")
    options = parser.parse_args(arguments)
    tables = None
    if options.seed:
        with open(options.seed, encoding="utf-8") as file:
            tables = json.load(file)
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    with TestServer(tables, port=options.port, token=options.token, tls=options.tls, shape=options.shape) as server:
        print(f"base URL: {server.base_url}")
        if server.token:
            print(f"token: {server.token}")
        if server.ca_file:
            print(f"CA file: {server.ca_file}")
        sys.stdout.flush()
        while not stop.wait(1.0):
            pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
