"""The generated files are what `make generate` writes, and it notices when they are not."""

from __future__ import annotations

import importlib.util
import re
import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("generate", ROOT / "scripts" / "generate.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


def check(script, monkeypatch, package):
    monkeypatch.setattr(script, "PACKAGE", package)
    monkeypatch.setattr(sys, "argv", ["generate.py", "--check"])
    return script.main()


def test_the_files_are_up_to_date_and_a_stale_one_is_noticed(script, monkeypatch, tmp_path, capsys):
    assert check(script, monkeypatch, script.PACKAGE) == 0, capsys.readouterr().out
    package = shutil.copytree(script.PACKAGE, tmp_path / "django_api_orm", ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    for target, stale in (("base.py", "return self"), ("_starting.py", "Every row")):
        path = package / target
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("Requests: none.", stale, 1), encoding="utf-8")
        assert check(script, monkeypatch, package) == 1
        assert f"-        {stale}" in capsys.readouterr().out
        path.write_text(text, encoding="utf-8")


def test_what_becomes_of_an_asynchronous_source(script):
    source = '''
"""Of an asynchronous APIModel: a synchronous one is not meant."""
from ._async_evaluation import ask
from ._bridge import perform

class AsyncThing(AsyncQueries[M]):
    # `await thing.get()`
    async def get(self) -> AsyncIterator[M]:
        """As ``AsyncQuerySet.get``; see ``register_async_models``."""
        async with self as rows:
            return [row async for row in await ask("await this", rows)]  # Text is text, and says `await`.

    # For somebody.
    aget = alias(get)

    other = alias_of(get)
'''
    assert (
        script.synchronous(source, "async_thing.py").splitlines()[1:]
        == '''
"""Of a synchronous AsyncAPIModel: an asynchronous one is not meant."""
from ._evaluation import ask
from ._blocking import perform

class Thing(Queries[M]):
    # `thing.get()`
    def get(self) -> Iterator[M]:
        """As ``QuerySet.get``; see ``register_models``."""
        with self as rows:
            return [row for row in ask("this", rows)]  # Text is text, and says `await`.


    other = alias_of(get)
'''.splitlines()
    )


@pytest.mark.parametrize("name", ["base", "client", "_queries"])
def test_the_synchronous_half_reads_as_if_it_were_written_by_hand(name):
    text = (ROOT / "python" / "django_api_orm" / f"{name}.py").read_text()
    header, text = text.split("\n", 1)
    assert "make generate" in header
    wrong = [line for line in text.splitlines() if re.search(r"\bawait|\basync\b|\ban [MQS]|\ba Async|The async", line)]
    assert wrong == []
