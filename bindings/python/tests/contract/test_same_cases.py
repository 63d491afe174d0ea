"""Every case of the Rust suite is a case here, or a line in the table below says why it is none."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from .plans import PLANS
from .site import ITEMS

RUST = Path(__file__).parents[4] / "crates/orm/tests/contract"
HERE = Path(__file__).parent

#: Cases without a counterpart in Python, by file and name, and why.
ONLY_IN_RUST = {
    ("creating", "what_is_no_object_is_refused_here"): "create() takes keyword arguments: there is no way to give it a list",
    ("blocking_only", "inside_a_runtime_every_call_is_an_error"): (
        "a synchronous call inside an event loop blocks it and answers, as any synchronous library does in Python"
    ),
}

#: Files of Rust cases that Python has in a form of its own, and where.
ELSEWHERE = {"relations": "tests/test_relations.py, test_prefetching.py and test_crossing.py, on the reference site"}


def rust_cases():
    """The cases of the Rust suite: ``{(file, name): whether it writes}``."""
    sources = {path.stem: path for path in (RUST / "cases").glob("*.rs") if path.stem != "mod"}
    sources["asynchronous_only"] = RUST / "asynchronous" / "only.rs"
    sources["blocking_only"] = RUST / "blocking" / "only.rs"
    cases = {}
    for file, path in sources.items():
        source = path.read_text(encoding="utf-8")
        listed = re.search(r"^cases! \{(.*)^\}", source, re.MULTILINE | re.DOTALL)
        if listed is None:
            # The matrix: cases for every cell.
            found = re.findall(r'concat!\("(\w+)::", \$endpoint\),\s+writes: (true|false)', source)
            cells = re.search(r"^cells! \{(.*)^\}", source, re.MULTILINE | re.DOTALL)
            assert re.findall(r'"(.+?)"', cells[1]) == ITEMS, f"the cells of {file}"
            cases.update({(file, name): writes == "true" for name, writes in found})
        else:
            for word, names in re.findall(r"(reads|writes): \[(.*?)\]", listed[1], re.DOTALL):
                cases.update({(file, name): word == "writes" for name in re.findall(r"\w+", names)})
        assert any(each == file for each, _ in cases), f"no cases found in {file}"
    return cases


def python_cases():
    """The tests of this package: ``{(file, name): whether it is marked as writing}``."""
    cases = {}
    for path in HERE.glob("test_*.py"):
        if path != Path(__file__):
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.AsyncFunctionDef) and node.name.startswith("test_"):
                    assert "site" in [argument.arg for argument in node.args.args], f"{node.name} does not run on both servers"
                    marks = [mark.id for mark in node.decorator_list if isinstance(mark, ast.Name)]
                    case = (path.stem.removeprefix("test_"), node.name.removeprefix("test_"))
                    assert case not in cases, f"{case} is given twice"
                    cases[case] = "writes" in marks
    return cases


def test_the_rust_cases_are_found():
    cases = rust_cases()
    assert len(cases) > 190
    assert cases["listing", "cursor_gives_every_row"] is False
    assert cases["matrix", "writes"] is True


def test_every_rust_case_is_a_python_case_or_has_a_reason():
    rust, python = rust_cases(), python_cases()
    missing = sorted(case for case in rust.keys() - python.keys() - ONLY_IN_RUST.keys() if case[0] not in ELSEWHERE)
    assert not missing, f"write these in Python, or say in ONLY_IN_RUST why not: {missing}"


def test_the_table_is_not_stale():
    rust, python = rust_cases(), python_cases()
    assert sorted(ONLY_IN_RUST.keys() - rust.keys()) == [], "no such case in Rust"
    assert sorted(ONLY_IN_RUST.keys() & python.keys()) == [], "there is such a case in Python"
    assert sorted(ELSEWHERE.keys() - {file for file, _ in rust}) == [], "no such file in Rust"


def test_what_writes_in_rust_writes_in_python():
    rust, python = rust_cases(), python_cases()
    assert sorted(case for case in rust.keys() & python.keys() if rust[case] and not python[case]) == []


def test_the_matrix_asks_the_same_queries():
    source = (RUST / "cases" / "matrix" / "plans.rs").read_text(encoding="utf-8")
    assert [plan.name for plan in PLANS] == re.findall(r'\bplan\(\s*"(.+?)",', source)
