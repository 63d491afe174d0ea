"""What this project costs beside its peers, in Python and in Rust. `make bench` installs the peers and runs this.

One process for the server, which answers in microseconds, and one for each peer. In every round the peers take turns, in an
order that rotates, and the first round warms up. A ratio is ours / the peer's, within a round: below 1 we are faster. Machines
differ and are noisy, so only the ratios say something. `--save` writes the tables into docs/benchmarks.md and
the plot beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import plot
from serving import serving

HERE = Path(__file__).parent
DOCS = HERE.parent / "docs"
OURS, PUBLISHED = "ours", "published"
PYTHON_PEERS = [PUBLISHED, "httpx", "aiohttp", "requests", "niquests", "pyreqwest", "wreq"]
RUST_PEERS = ["reqwest", "hyper"]

#: What is done in Python, how often in a run, and in words.
PYTHON_CASES = {
    "get_one_by_one": (1000, "`get(id=..)`, one after the other"),
    "get_one_by_one_async": (1000, "`await get(id=..)`, one after the other"),
    "get_10_at_once": (1000, "`await get(id=..)`, 10 gathered"),
    "get_100_at_once": (1000, "`await get(id=..)`, 100 gathered"),
    "create_one_by_one": (300, "`create(..)`, one after the other"),
    "page_of_1000": (1000, "a page of 1,000 rows"),
    "page_of_10_000": (10_000, "a page of 10,000 rows"),
    "page_of_1000_async": (1000, "a page of 1,000 rows, awaited"),
    "page_of_10_000_async": (10_000, "a page of 10,000 rows, awaited"),
    "values_list_of_10_000": (10_000, "`values_list` of 2 of 8 fields, 10,000 rows"),
    "list_of_100_000": (100_000, "`list(all())`, 100 pages of 1,000 rows"),
}
RUST_CASES = {
    "get": (100, "100 times `get(id)`"),
    "page": (10_000, "a page of 10,000 rows"),
    "walk": (10_000, "50 pages of 200 rows"),
}
Run = dict[str, float]


class Worker:
    """A peer in its own process."""

    def __init__(self, peer: str, command: list[str], environment: dict[str, str] | None = None) -> None:
        self.peer = peer
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)

    def ask(self, question: str) -> Any:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(question + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"{self.peer} ended early: {question}")
        return json.loads(answer)

    def close(self) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


@dataclass
class Compared:
    """A case as the peers did it."""

    language: str
    words: str
    rows: int
    runs: dict[str, list[Run]]

    def each(self, clock: str) -> float:
        """Microseconds of ours for a row or a call."""
        return statistics.median(run[clock] for run in self.runs[OURS]) / self.rows * 1e6

    def ratios(self, peer: str, clock: str) -> list[float]:
        pairs = zip(self.runs[OURS], self.runs[peer], strict=True)
        return sorted(ours[clock] / theirs[clock] for ours, theirs in pairs)

    def ratio(self, peer: str, clock: str) -> float:
        return statistics.median(self.ratios(peer, clock))


def python_workers(base_url: str, published: Path) -> dict[str, Worker]:
    """Of two packages with one name, the published one is found first in its own process only."""
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    workers = {}
    for peer in (OURS, *PYTHON_PEERS):
        environment = {**variables, "PYTHONPATH": str(published)} if peer == PUBLISHED else variables
        command = [sys.executable, str(HERE / "python" / "worker.py"), peer, base_url]
        workers[peer] = Worker(peer, command, environment)
    return workers


def rust_workers(base_url: str, binaries: Path) -> dict[str, Worker]:
    return {peer: Worker(peer, [str(binaries / "bench-peer"), peer, base_url]) for peer in (OURS, *RUST_PEERS)}


def compare(case: str, rows: int, rounds: int, workers: list[Worker]) -> dict[str, list[Run]]:
    runs: dict[str, list[Run]] = {worker.peer: [] for worker in workers}
    for turn in range(rounds + 1):
        for place in range(len(workers)):
            worker = workers[(turn + place) % len(workers)]
            run = worker.ask(case)
            if run["done"] != rows:
                raise SystemExit(f"{worker.peer} did {run['done']} of {rows}: {case}")
            if turn > 0:
                runs[worker.peer].append(run)
    return runs


def measured(base_url: str, options: argparse.Namespace) -> Iterator[Compared]:
    workers = python_workers(base_url, options.published.resolve())
    offers = {peer: set(worker.ask("offers")) for peer, worker in workers.items()}
    for case, (rows, words) in PYTHON_CASES.items():
        if options.only in case:
            able = [worker for peer, worker in workers.items() if case in offers[peer]]
            yield Compared("Python", words, rows, compare(case, rows, options.rounds, able))
    for worker in workers.values():
        worker.close()
    workers = rust_workers(base_url, options.binaries)
    for case, (rows, words) in RUST_CASES.items():
        if options.only in case:
            yield Compared("Rust", words, rows, compare(case, rows, options.rounds, list(workers.values())))
    for worker in workers.values():
        worker.close()


def table(compared: list[Compared], clock: str, peers: list[str]) -> list[str]:
    lines = [f"| {clock} time, ours / peer | ours, µs each | {' | '.join(peers)} |", f"| --- |{' ---: |' * (len(peers) + 1)}"]
    for case in compared:
        cells = []
        for peer in peers:
            if peer not in case.runs:
                cells.append("")
                continue
            ratios = case.ratios(peer, clock.lower())
            cells.append(f"{statistics.median(ratios):.2f} ({ratios[0]:.2f}..{ratios[-1]:.2f})")
        lines.append(f"| {case.words} | {case.each(clock.lower()):.1f} | {' | '.join(cells)} |")
    return [*lines, ""]


def report(compared: list[Compared]) -> str:
    lines = []
    for language, peers in (("Python", PYTHON_PEERS), ("Rust", RUST_PEERS)):
        cases = [case for case in compared if case.language == language]
        if cases:
            lines += [f"{language}: median (min..max).", ""]
            for clock in ("CPU", "Wall"):
                lines += table(cases, clock, peers)
    return "\n".join(lines)


def save(compared: list[Compared]) -> None:
    page = DOCS / "benchmarks.md"
    text, found = re.subn(
        r"(<!-- measured by `make bench` -->\n).*?(<!-- end -->)",
        lambda match: f"{match[1]}\n{report(compared)}\n{match[2]}",
        page.read_text(),
        flags=re.DOTALL,
    )
    assert found == 1, "docs/benchmarks.md has lost the place of the tables"
    page.write_text(text)
    lines = [
        (case.words.replace("`", ""), {peer: case.ratio(peer, "wall") for peer in case.runs if peer != OURS})
        for case in compared
        if case.language == "Python"
    ]
    (DOCS / "benchmarks.svg").write_text(plot.bars("Python: wall time of this package / the peer's", lines))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--published", type=Path, required=True, help="the directory of the published package")
    parser.add_argument("--binaries", type=Path, required=True, help="the directory of bench-server and bench-peer")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--save", action="store_true")
    options = parser.parse_args()
    with serving(options.binaries) as base_url:
        compared = []
        for case in measured(base_url, options):
            compared.append(case)
            print(report([case]), flush=True)
    if options.save:
        save(compared)


if __name__ == "__main__":
    main()
