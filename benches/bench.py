"""What this project costs beside its peers, in Python and in Rust. `make bench` installs the peers and runs this.

One process for the server, which answers in microseconds, and one for each peer. In every round the peers take turns, in an
order that rotates, and the first round warms up. A ratio is ours / the peer's, within a round: below 1 we are faster. Machines
differ and are noisy, so only the ratios say something. `--save` writes the tables into docs/benchmarks.md and the plot
beside it, which the README shows.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import math
import os
import re
import statistics
import subprocess
import sys
import time
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
    "stream_of_100_000": (100_000, "`iterator()`, 100 pages of 1,000 rows"),
    "pages_of_50_ms": (10_000, "`list(all())`, 50 pages that take 50 ms each"),
    "in_bulk_of_5000": (5000, "`in_bulk` of 5,000 keys, 20 ms a request"),
    "get_100_at_once_http2": (1000, "`await get(id=..)`, 100 gathered, HTTP/2"),
}
#: What is done again on uvloop.
UVLOOP_CASES = ("get_one_by_one_async", "get_10_at_once", "get_100_at_once")
#: What is compared with another job of ours: how often it is done, in words, and the other one.
OWN_CASES = {
    "ordered_here": (
        "`order_by` client-side, the first 10 of 100,000 rows",
        "counted_here",
        "a count with a filter client-side",
    ),
}
#: What is looked at for the memory that it takes at its peak, in a new process each time.
MEMORY_CASES = {
    "page_of_10_000": "a page of 10,000 rows",
    "list_of_100_000": "a list of 100,000 rows",
    "stream_of_100_000": "100,000 rows streamed",
}
MEMORY_PEERS = (PUBLISHED, "httpx", "pyreqwest")
#: Related rows: the case, the peer, and in words. Each gives how many requests it took, of 20 ms.
RELATED_CASES = [
    ("posts_prefetched", OURS, '`prefetch_related("author", "tags")`'),
    ("posts_prefetched_async", OURS, "the same, awaited"),
    ("posts_in_a_loop", OURS, "a loop that reads `post.author` and `post.tags`"),
    ("posts_with_lists_of_keys", "httpx", "by hand: `id__in` of 100 keys, one after the other"),
    ("posts_in_a_loop_that_remembers", "httpx", "by hand: a loop that remembers the rows it has read"),
    ("posts_gathered", "httpx", "by hand: a request for each, a page of posts gathered"),
    ("posts_in_a_loop", "httpx", "by hand: a loop"),
]
#: The same in Rust.
RUST_RELATED_CASES = [
    ("posts_prefetched", "Rust: `prefetch_related` of both"),
    ("posts_in_a_loop", "Rust: a loop that awaits `post.author()` and `post.tags()`"),
    ("posts_by_hand", "Rust, by hand with hyper: a loop"),
]
#: A case goes on until it has its rounds or has taken this long, but has as many rounds as this at least. A peer that takes
#: longer than this for a round has no more than those.
SECONDS, FEWEST, SLOW = 12.0, 3, 0.5
RUST_CASES = {
    "get": (100, "100 times `get(id)`"),
    "page": (10_000, "a page of 10,000 rows"),
    "walk": (10_000, "50 pages of 200 rows"),
    "get_http2": (1000, "1,000 times `get(id)` at once, over one HTTP/2 connection"),
}
Run = dict[str, float]


class Worker:
    """A peer in its own process."""

    def __init__(self, peer: str, command: list[str], environment: dict[str, str] | None = None) -> None:
        self.peer = peer
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)

    @functools.cached_property
    def offers(self) -> set[str]:
        return set(self.ask("offers"))

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
        # A slow peer takes part in the first rounds only.
        pairs = zip(self.runs[OURS], self.runs[peer], strict=False)
        return sorted(ours[clock] / theirs[clock] for ours, theirs in pairs)

    def ratio(self, peer: str, clock: str) -> float:
        return statistics.median(self.ratios(peer, clock))


def python_worker(peer: str, base_url: str, published: Path, loop: str = "asyncio") -> Worker:
    """Of two packages with one name, the published one is found first in its own process only."""
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment = {**variables, "PYTHONPATH": str(published)} if peer == PUBLISHED else variables
    return Worker(peer, [sys.executable, str(HERE / "python" / "worker.py"), peer, base_url, loop], environment)


def python_workers(base_url: str, published: Path, loop: str = "asyncio") -> list[Worker]:
    return [python_worker(peer, base_url, published, loop) for peer in (OURS, *PYTHON_PEERS)]


def rust_workers(base_url: str, binaries: Path) -> list[Worker]:
    return [Worker(peer, [str(binaries / "bench-peer"), peer, base_url]) for peer in (OURS, *RUST_PEERS)]


def compare(case: str, rows: int, rounds: int, workers: list[Worker]) -> dict[str, list[Run]]:
    runs: dict[str, list[Run]] = {worker.peer: [] for worker in workers}
    begun = time.monotonic()
    for turn in range(rounds + 1):
        if turn > FEWEST and time.monotonic() - begun > SECONDS:
            break
        for place in range(len(workers)):
            worker = workers[(turn + place) % len(workers)]
            done = runs[worker.peer]
            if len(done) >= FEWEST and worker.peer != OURS and done[-1]["wall"] > SLOW:
                continue
            run = worker.ask(case)
            if run["done"] != rows:
                raise SystemExit(f"{worker.peer} did {run['done']} of {rows}: {case}")
            if turn > 0:
                done.append(run)
    return runs


def compared(language: str, words: str, case: str, rows: int, rounds: int, workers: list[Worker]) -> Compared:
    able = [worker for worker in workers if case in worker.offers]
    return Compared(language, words, rows, compare(case, rows, rounds, able))


def measured(base_url: str, options: argparse.Namespace) -> Iterator[Compared]:
    with closing(python_workers(base_url, options.published)) as workers:
        for case, (rows, words) in PYTHON_CASES.items():
            if options.only in case:
                yield compared("Python", words, case, rows, options.rounds, workers)
    with closing(python_workers(base_url, options.published, "uvloop")) as workers:
        for case in UVLOOP_CASES:
            if options.only in case:
                rows, words = PYTHON_CASES[case]
                yield compared("Python", f"{words}, uvloop", case, rows, options.rounds, workers)
    with closing(rust_workers(base_url, options.binaries)) as workers:
        for case, (rows, words) in RUST_CASES.items():
            if options.only in case:
                yield Compared("Rust", words, rows, compare(case, rows, options.rounds, workers))


@contextlib.contextmanager
def closing(workers: list[Worker]) -> Iterator[list[Worker]]:
    try:
        yield workers
    finally:
        for worker in workers:
            worker.close()


def own(base_url: str, options: argparse.Namespace) -> list[str]:
    """What is measured by another job of ours."""
    lines = []
    with closing([python_worker(OURS, base_url, options.published)]) as (worker,):
        for case, (words, other, other_words) in OWN_CASES.items():
            if options.only in case:
                worker.ask(case)
                ratios = sorted(worker.ask(case)["cpu"] / worker.ask(other)["cpu"] for _ in range(5))
                spread = f"{statistics.median(ratios):.2f} ({ratios[0]:.2f}..{ratios[-1]:.2f})"
                lines.append(f"| {words} / {other_words} | {spread} |")
    return ["| CPU time, ours / ours | |", "| --- | ---: |", *lines, ""] if lines else []


def related(base_url: str, options: argparse.Namespace) -> list[str]:
    """1,000 posts with their authors and tags, from a server that takes 20 ms: once, as the slowest takes most of a minute."""
    lines = []
    for case, peer, words in RELATED_CASES:
        if options.only in case:
            with closing([python_worker(peer, base_url, options.published)]) as (worker,):
                run = worker.ask(case)
                lines.append(f"| {words} | {run['done']:,} | {run['wall']:.2f} |")
    for case, words in RUST_RELATED_CASES:
        if options.only in case:
            with closing([Worker(OURS, [str(options.binaries / "bench-peer"), "related", base_url])]) as (worker,):
                run = worker.ask(case)
                lines.append(f"| {words} | {run['done']:,} | {run['wall']:.2f} |")
    head = ["| 1,000 posts with authors and tags, 20 ms a request | requests | wall time, s |", "| --- | ---: | ---: |"]
    return [*head, *lines, ""] if lines else []


def memory(base_url: str, options: argparse.Namespace) -> list[str]:
    """What a job adds to the memory of a process that has made a request before: the least of three processes."""
    lines = []
    for case, words in MEMORY_CASES.items():
        if options.only not in case:
            continue
        added: dict[str, float] = {}
        for peer in (OURS, *MEMORY_PEERS):
            for _ in range(3):
                with closing([python_worker(peer, base_url, options.published)]) as (worker,):
                    if case in worker.offers:
                        worker.ask("get_one_by_one")
                        before = worker.ask("memory")
                        worker.ask(case)
                        added[peer] = min(added.get(peer, math.inf), (worker.ask("memory") - before) / 1024)
        cells = [f"{added[OURS] / added[peer]:.2f}" if added.get(peer) else "" for peer in MEMORY_PEERS]
        lines.append(f"| {words} | {added[OURS]:.1f} | {' | '.join(cells)} |")
    head = [
        f"| Peak memory, ours / peer | ours, MiB | {' | '.join(MEMORY_PEERS)} |",
        f"| --- |{' ---: |' * (len(MEMORY_PEERS) + 1)}",
    ]
    return [*head, *lines, ""] if lines else []


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


def report(cases: list[Compared]) -> list[str]:
    lines = []
    for language, peers in (("Python", PYTHON_PEERS), ("Rust", RUST_PEERS)):
        own = [case for case in cases if case.language == language]
        if own:
            lines += [f"{language}: median (min..max).", ""]
            for clock in ("CPU", "Wall"):
                lines += table(own, clock, peers)
    return lines


def put(page: Path, measured: str) -> None:
    """Writes what was measured into its place in a page."""
    text, found = re.subn(
        r"(<!-- measured by `make bench` -->\n).*?(<!-- end -->)",
        lambda match: f"{match[1]}\n{measured}\n\n{match[2]}",
        page.read_text(),
        flags=re.DOTALL,
    )
    assert found == 1, f"{page} has lost the place of what is measured"
    page.write_text(text)


def save(cases: list[Compared], more: list[str]) -> None:
    plotted = "![Wall time of this package / the peer's, by case]"
    put(DOCS / "benchmarks.md", "\n".join([f"{plotted}(benchmarks.svg)", "", *report(cases), *more]).rstrip())
    put(DOCS.parent / "README.md", f"{plotted}(docs/benchmarks.svg)")
    lines = [
        (case.words.replace("`", ""), {peer: case.ratio(peer, "wall") for peer in case.runs if peer != OURS})
        for case in cases
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
    options.published = options.published.resolve()
    with serving(options.binaries) as base_url:
        cases = []
        for case in measured(base_url, options):
            cases.append(case)
            print("\n".join(report([case])), flush=True)
        more = [*related(base_url, options), *own(base_url, options), *memory(base_url, options)]
        print("\n".join(more), flush=True)
    if options.save:
        save(cases, more)


if __name__ == "__main__":
    main()
