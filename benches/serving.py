"""The server of the benchmarks, for as long as it is needed."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def serving(binaries: Path) -> Iterator[str]:
    """Starts the server; gives its URL."""
    with subprocess.Popen([binaries / "bench-server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None and server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.stdin.close()
