"""What the Python package costs beside the published package of this name and beside httpx and pydantic by hand.

`make bench-python` installs the peers and runs this. One process a peer and one for the server; in every round the peers
take turns, in an order that rotates. Printed are medians of the ratios within the rounds: machines differ and are noisy, so
only the ratios say something. Nothing here is a test.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
OURS, PUBLISHED, BY_HAND = "ours", "published", "by_hand"

#: What is done, how often in a run, and in words.
SCENARIOS = {
    "get_one_by_one": (1000, "get(id=...), one after the other"),
    "get_one_by_one_async": (1000, "await get(id=...), one after the other"),
    "get_100_at_once": (1000, "await get(id=...), 100 at once"),
    "all_in_pages_of_500": (5000, "all(), 5,000 rows in pages of 500"),
    "all_in_one_page": (5000, "all(), 5,000 rows in one page"),
    "values_list_in_pages_of_500": (5000, "values_list(), 5,000 rows in pages of 500"),
    "values_list_in_one_page": (5000, "values_list(), 5,000 rows in one page"),
    "async_for_in_pages_of_1000": (10_000, "async for, 10,000 rows in pages of 1,000"),
    "async_for_in_one_page": (10_000, "async for, 10,000 rows in one page"),
    "create_one_by_one": (300, "create(...), one after the other"),
}
MEMORY = "iterate_100_000"
IMPORT = """
import time, rows
start = time.process_time()
{statement}
print(time.process_time() - start)
"""
IMPORTS = {
    OURS: "import django_api_orm",
    "ours, asynchronous": "from django_api_orm import AsyncAPIModel",
    PUBLISHED: "import django_api_orm",
    "httpx alone": "import httpx",
}


class Worker:
    """A peer in its own process."""

    def __init__(self, peer: str, base_url: str, published: Path) -> None:
        self.peer = peer
        command = [sys.executable, str(HERE / "worker.py"), peer, base_url]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment(peer, published)
        )
        self.offers = set(self.ask("offers"))

    def ask(self, scenario: str) -> Any:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(scenario + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"{self.peer} ended early: {scenario}")
        return json.loads(answer)

    def close(self) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def environment(peer: str, published: Path) -> dict[str, str]:
    """Of two packages with one name, the published one is found first in its own process only."""
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return {**variables, "PYTHONPATH": str(published)} if peer == PUBLISHED else variables


@contextlib.contextmanager
def serving() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as directory:
        seed = Path(directory, "seed.json")
        # In a process of its own: a process starts with the peak memory of the one that started it.
        subprocess.run([sys.executable, str(HERE / "rows.py"), str(seed)], check=True)
        command = [sys.executable, "-m", "django_api_orm.testserver", "--seed", str(seed)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            try:
                yield server.stdout.readline().removeprefix("base URL: ").strip()
            finally:
                server.terminate()


def compare(scenario: str, rounds: int, workers: dict[str, Worker]) -> dict[str, list[dict[str, float]]]:
    """The runs of each peer that can do it. The first round warms up."""
    peers = [name for name, worker in workers.items() if scenario in worker.offers]
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in peers}
    for turn in range(rounds + 1):
        for place in range(len(peers)):
            name = peers[(turn + place) % len(peers)]
            run = workers[name].ask(scenario)
            if run["done"] != SCENARIOS[scenario][0]:
                raise SystemExit(f"{name} did {run['done']} of {SCENARIOS[scenario][0]}: {scenario}")
            if turn > 0:
                runs[name].append(run)
    return runs


def ratio(theirs: list[dict[str, float]], ours: list[dict[str, float]], clock: str) -> float:
    return statistics.median(their[clock] / our[clock] for their, our in zip(theirs, ours, strict=True))


def shown(runs: dict[str, list[dict[str, float]]], peer: str) -> str:
    if peer not in runs:
        return f"{'-':>15}"
    return f"{ratio(runs[peer], runs[OURS], 'cpu'):>7.2f} {ratio(runs[peer], runs[OURS], 'wall'):>7.2f}"


def times(rounds: int, workers: dict[str, Worker], chosen: str) -> None:
    print(f"{'':<44} {'ours, us each':>15} {'published':>15} {'by hand':>15}")
    print(f"{'(the peer takes so many times as long)':<44}" + f" {'CPU':>7} {'wall':>7}" * 3)
    for scenario, (count, words) in SCENARIOS.items():
        if chosen not in scenario:
            continue
        runs = compare(scenario, rounds, workers)
        each = [statistics.median(run[clock] for run in runs[OURS]) / count * 1e6 for clock in ("cpu", "wall")]
        columns = [f"{each[0]:>7.1f} {each[1]:>7.1f}", shown(runs, PUBLISHED), shown(runs, BY_HAND)]
        print(f"{words:<44} {' '.join(columns)}", flush=True)


def imports(rounds: int, published: Path) -> None:
    """CPU time of an import when pydantic is there already, in fresh processes."""
    print("\nimporting when pydantic is imported and a schema declared, ms of CPU time:")
    measured: dict[str, list[float]] = {name: [] for name in IMPORTS}
    for _ in range(rounds + 1):
        for name, statement in IMPORTS.items():
            command = [sys.executable, "-c", IMPORT.format(statement=statement)]
            printed = subprocess.check_output(command, text=True, cwd=HERE, env=environment(name, published))
            measured[name].append(float(printed) * 1e3)
    for name, times in measured.items():
        print(f"  {name.replace('_', ' '):<20} {statistics.median(times[1:]):6.1f}")


def memory(base_url: str, published: Path) -> None:
    print("\npeak memory in MB of iterating 100,000 rows in pages of 1,000, and what the process had before:")
    for peer in (OURS, BY_HAND):
        worker = Worker(peer, base_url, published)
        worker.ask("get_one_by_one")
        before = worker.ask("memory")
        worker.ask(MEMORY)
        print(f"  {peer.replace('_', ' '):<20} {worker.ask('memory') / 1024:6.1f} {before / 1024:6.1f}")
        worker.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--published", type=Path, required=True, help="the directory into which the published package was installed"
    )
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", default="", help="scenarios whose name contains this")
    options = parser.parse_args()
    published: Path = options.published.resolve()
    with serving() as base_url:
        workers = {peer: Worker(peer, base_url, published) for peer in (OURS, PUBLISHED, BY_HAND)}
        times(options.rounds, workers, options.only)
        for worker in workers.values():
            worker.close()
        if not options.only:
            memory(base_url, published)
    if not options.only:
        imports(options.rounds, published)


if __name__ == "__main__":
    main()
