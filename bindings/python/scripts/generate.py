#!/usr/bin/env python3
"""Writes the parts of the Python package that repeat, in another form, what is written elsewhere.

    generate.py            writes the files
    generate.py --check    lists those that differ from what would be written, and fails if any does

The synchronous half comes from the asynchronous one. The rules are few, so that it is plain from the source what is generated:

* `async` and `await` are dropped, and so is a statement that makes an `alias`, which only the asynchronous half has;
* `Async` and `async_` are dropped from names, `__aenter__` and its like lose their `a`, and `_bridge` becomes `_blocking`;
* in strings and comments the halves swap places: `AsyncQuerySet` becomes `QuerySet`, and vice versa;
* a few phrases are replaced as listed below.

Where waiting makes a real difference, both sides are written by hand: `_async_evaluation.py` and `_evaluation.py`.

The methods by which managers start a query come from those of querysets, with other types: a queryset returns one of its own
class, a manager one of the class that its `get_queryset` returns.

Needs ruff, which sorts imports and formats.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import io
import re
import shutil
import subprocess
import sys
import tokenize
from pathlib import Path

BINDING = Path(__file__).resolve().parent.parent
PACKAGE = BINDING / "python" / "django_api_orm"

#: The synchronous files, by their sources.
HALVES = {
    "async_base.py": "base.py",
    "async_client.py": "client.py",
    "_async_queries.py": "_queries.py",
    "async_relating.py": "relating.py",
}

#: Phrases that differ between the halves. Each of them has to occur.
PHRASES = {
    "by ``await``, ``async for`` and ``await qs._fetch()``,": "by iteration, ``len``, ``bool``, ``list`` and indexing,",
    "for asyncio. Event loops and threads may share it.": "for code without an event loop. Threads may share it.",
    "The asynchronous client": "The synchronous client",
    "The asynchronous methods": "The synchronous methods",
}

#: Names that both halves have, the asynchronous one with `Async` in front.
PAIRS = "APIModel|RelatedManager|Manager|QuerySet|ServiceClient|Queries"
NAMES = {
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__aiter__": "__iter__",
    "_bridge": "_blocking",
}


def in_code(name: str) -> str:
    """The synchronous name for a name."""
    return NAMES.get(name) or re.sub(r"^Async(?=[A-Z])|(?<![a-z])async_", "", name)


def in_words(text: str) -> str:
    """A docstring, message or comment in the words of the synchronous half."""
    for phrase, other in PHRASES.items():
        text = text.replace(phrase, other)
    text = re.sub(rf"\b(Async)?({PAIRS})\b", lambda name: name[2] if name[1] else f"Async{name[2]}", text)
    text = re.sub(r"\b([Aa])n? (`*)(?=(Async)?(?:Manager|QuerySet|ServiceClient)\b)", _with_article, text)
    text = re.sub(r"\bregister_(async_)?models\b", lambda name: f"register_{'' if name[1] else 'async_'}models", text)
    text = re.sub(r"\b(an?) (a?)synchronous", lambda word: "a synchronous" if word[2] else "an asynchronous", text)
    text = re.sub(r"\b(A)synchronous", "Synchronous", text)
    return re.sub(r"\b(await |async )", "", text)


def _with_article(found: re.Match[str]) -> str:
    return f"{found[1]}{'n' if found[3] else ''} {found[2]}"


def without_aliases(source: str) -> str:
    lines = source.splitlines(keepends=True)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "alias":
            # With the comment above it.
            first = node.lineno - 1
            while lines[first - 1].lstrip().startswith("#"):
                first -= 1
            for at in range(first, node.end_lineno or node.lineno):
                lines[at] = ""
    return "".join(lines)


def synchronous(source: str, name: str) -> str:
    """The text of a file, from that of its asynchronous source; not formatted yet."""
    source = without_aliases(source)
    lines = source.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    written: list[str] = []
    at = 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        begin = starts[token.start[0] - 1] + token.start[1]
        end = starts[token.end[0] - 1] + token.end[1]
        kind = tokenize.tok_name[token.type]
        if kind == "NAME" and token.string in ("async", "await"):
            new, end = "", end + 1
        elif kind == "NAME":
            new = in_code(token.string)
        elif kind in ("STRING", "COMMENT", "FSTRING_MIDDLE"):
            new = in_words(source[begin:end])
        else:
            continue
        written += [source[at:begin], new]
        at = end
    written.append(source[at:])
    return header(name) + "\n" + "".join(written)


STARTING = """
\"\"\"How managers start a query: the methods of ``Building``, on a new queryset.\"\"\"

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

from ._building import Building, Explanation, OnDrift, OnIgnored, OnNPlusOne, OnUnsaved
from ._prefetching import Prefetch
from .exceptions import RowError
from .q import Q

Query = TypeVar("Query", bound=Building[Any])
Query_co = TypeVar("Query_co", bound=Building[Any], covariant=True)


class Gives(Protocol[Query_co]):
    \"\"\"A manager, by the class of its querysets.\"\"\"

    def get_queryset(self) -> Query_co: ...


class Starting:
    \"\"\"The methods that describe rows.\"\"\"

"""


def starting(source: str, name: str) -> str:
    """The text of the managers' methods, from the file of those of querysets; not formatted yet."""
    tree = ast.parse(source)
    building = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Building")
    written = [header(name), STARTING]
    for method in building.body:
        if not isinstance(method, ast.FunctionDef) or method.name.startswith("_"):
            continue
        start = method.args.args[0]
        start.annotation = ast.parse("Gives[Query]", mode="eval").body
        if ast.unparse(method.returns or ast.Constant(None)) == "Self":
            method.returns = ast.Name("Query")
        given = [each.arg for each in method.args.args[1:]]
        given += [f"*{method.args.vararg.arg}"] if method.args.vararg else []
        given += [f"{each.arg}={each.arg}" for each in method.args.kwonlyargs]
        given += [f"**{method.args.kwarg.arg}"] if method.args.kwarg else []
        doc = ast.get_source_segment(source, method.body[0])
        call = f"return self.get_queryset().{method.name}({', '.join(given)})"
        returns = ast.unparse(method.returns) if method.returns else "None"
        written.append(f"    def {method.name}({ast.unparse(method.args)}) -> {returns}:\n        {doc}\n        {call}\n\n")
    return "".join(written)


def header(name: str) -> str:
    return f"# Generated from {name} by scripts/{Path(__file__).name}: change that file, and run `make generate`."


def formatted(text: str, name: str) -> str:
    beside = Path(sys.executable).with_name("ruff")
    ruff = str(beside) if beside.exists() else shutil.which("ruff")
    if ruff is None:
        raise SystemExit("ruff is not installed: run this with the Python of `make python-venv`")
    options = ["--no-cache", "--config", str(BINDING / "pyproject.toml"), "--stdin-filename", name, "-"]
    for work in (["check", "--quiet", "--fix-only", "--select", "F401,I001,RUF022"], ["format"]):
        command = [ruff, *work, *options]
        ran = subprocess.run(command, input=text, capture_output=True, text=True, encoding="utf-8", cwd=BINDING)
        if ran.returncode != 0:
            raise SystemExit(f"{name}: {ran.stderr}")
        text = ran.stdout
    return text


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a file differs from what would be written")
    check = parser.parse_args().check
    made = [(name, target, synchronous) for name, target in HALVES.items()] + [("_building.py", "_starting.py", starting)]
    sources = {name: (PACKAGE / name).read_text(encoding="utf-8") for name, _, _ in made}
    if unused := [phrase for phrase in PHRASES if not any(phrase in source for source in sources.values())]:
        raise SystemExit(f"these phrases do not occur in any source: {unused}")
    stale = 0
    for name, target, make in made:
        path = PACKAGE / target
        wanted = formatted(make(sources[name], name), target)
        found = path.read_text(encoding="utf-8") if path.exists() else ""
        if wanted == found:
            continue
        stale += 1
        if check:
            shown = difflib.unified_diff(found.splitlines(), wanted.splitlines(), target, f"{target}, from {name}", lineterm="")
            print("\n".join(shown))
        else:
            path.write_text(wanted, encoding="utf-8")
            print(f"{target} is written from {name}")
    if check and stale:
        print(f"{stale} generated files are stale: run `make generate`", file=sys.stderr)
    return int(check and stale > 0)


if __name__ == "__main__":
    raise SystemExit(main())
