"""The README's programs, on the test server."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def test_every_python_snippet_runs(server):
    snippets = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(snippets) == 2
    names: dict[str, object] = {"__name__": "readme"}
    for snippet in snippets:
        exec(compile(snippet, "README.md", "exec"), names)
    asyncio.run(names["main"](server.base_url, server.token))
    assert names["rename"](server.base_url, server.token) == [252]
