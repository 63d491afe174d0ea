"""Every Python program in the documentation runs, on the test server.

The blocks of a page share their names, in order, and find ``base_url`` and ``token`` there. A block may use ``await``
outside of any function. ``print(value)  # -> text`` says what is printed, and is held to it. The README's program is a
whole one: it names the address at which the reader has started the server, and runs as a process of its own.
"""

from __future__ import annotations

import ast
import asyncio
import contextvars
import inspect
import logging
import re
import subprocess
import sys
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.util._once import Once

ROOT = Path(__file__).parents[3]
#: Every page outside of what is built or installed.
PAGES = sorted(
    page
    for folder in (".", "docs", "bindings/python", "crates", "tests", "examples", "benches")
    for page in (ROOT / folder).glob("*.md" if folder in (".", "bindings/python") else "**/*.md")
)
FENCE = re.compile(r"^(?P<indent> *)```(?P<language>[^\n`]*)\n(?P<code>.*?)^(?P=indent)```$", re.DOTALL | re.MULTILINE)
SAYS = re.compile(r"^( *)print\((.*)\)  # -> (.*)$", re.MULTILINE)


def blocks(page):
    """`(line, code)` of the page's Python."""
    text = page.read_text(encoding="utf-8")
    for fence in FENCE.finditer(text):
        if "py" in fence["language"]:
            assert fence["language"] == "python", f"{page}: a block in {fence['language']!r} would not be run"
            yield text.count("\n", 0, fence.start()) + 1, fence["code"]


def has_python(page):
    return "```py" in page.read_text(encoding="utf-8")


def says(expected, *values):
    assert " ".join(map(str, values)) == expected


async def finish(coroutine):
    await coroutine
    return contextvars.copy_context()


def run(page, names):
    loop = asyncio.new_event_loop()
    try:
        for line, code in blocks(page):
            code = SAYS.sub(lambda said: f"{said[1]}_says({said[3]!r}, {said[2]})", code)
            compiled = compile("\n" * line + code, str(page), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
            if compiled.co_flags & inspect.CO_COROUTINE:
                # What the block registers holds in the next one too, as if the page were one program.
                after = loop.run_until_complete(finish(eval(compiled, names)))
                for variable, value in after.items():
                    variable.set(value)
            else:
                exec(compiled, names)
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


@pytest.fixture
def alone(monkeypatch):
    """What a page sets for the whole program is undone."""
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", None)
    monkeypatch.setattr(trace, "_TRACER_PROVIDER_SET_ONCE", Once())
    log = logging.getLogger("django_api_orm")
    handlers, level = list(log.handlers), log.level
    yield
    log.handlers[:] = handlers
    log.setLevel(level)


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if has_python(page) and page != ROOT / "README.md"],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_every_snippet_of_a_page_runs(page, server, alone):
    names = {"__name__": "snippets", "base_url": server.base_url, "token": server.token, "_says": says}
    contextvars.copy_context().run(run, page, names)


def test_the_program_of_the_readme_runs_by_itself(tmp_path, server):
    ((_, code),) = blocks(ROOT / "README.md")
    assert "http://127.0.0.1:8700" in code and "test-token" in code
    program = tmp_path / "users.py"
    program.write_text(code.replace("http://127.0.0.1:8700", server.base_url), encoding="utf-8")
    done = subprocess.run([sys.executable, "-W", "error", program], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert "[" in done.stdout.splitlines()[-1], done.stdout


def test_what_must_have_programs_has_some():
    pages = {str(page.relative_to(ROOT)) for page in PAGES if has_python(page)}
    guides = {f"docs/python/{page.name}" for page in (ROOT / "docs" / "python").glob("*.md")}
    assert guides and pages >= guides | {"README.md", "bindings/python/README.md"}


def anchors(page):
    """The headings of a page, as links name them."""
    for heading in re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    wrong = []
    for path, anchor in re.findall(r"\]\((?!\w+:)([^)#\s]*)#?([^)\s]*)\)", page.read_text(encoding="utf-8")):
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            wrong.append(f"{path}#{anchor}")
    assert not wrong


def test_a_wrong_snippet_fails(tmp_path, server):
    page = tmp_path / "page.md"
    for wrong in ("print(1 + 1)  # -> 3", "nothing", "await nothing"):
        page.write_text(f"```python\nx = 1\n```\n\n```python\n{wrong}\n```\n")
        with pytest.raises((AssertionError, NameError)):
            run(page, {"_says": says})
    page.write_text("```pycon\n>>> 1\n```\n")
    with pytest.raises(AssertionError, match="would not be run"):
        run(page, {})
