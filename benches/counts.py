"""Counts the instructions of the Rust cases with callgrind, which are the same on a busy machine as on an idle one.

`make bench-counts` prints them and the ratios to the same job by hand. `--check` counts this crate alone and fails where a
case takes over 5 % more than benches/counts.json says; `--record` writes that file. What is counted depends on the compiler
too: after an update of Rust, record anew.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

FIGURES = Path(__file__).parent / "counts.json"
OURS = "ours"
#: What is done, and by whom else.
CASES = {
    "get": ["reqwest", "hyper"],
    "page": ["slice", "hyper", "reqwest"],
    "walk": ["hyper", "reqwest"],
}
WORDS = {"get": "100 times get(id)", "page": "a page of 10,000 rows", "walk": "50 pages of 200 rows"}
#: What a count may rise by before it is a failure. Two runs differ by less than a hundredth.
TOLERANCE = 0.05


@contextlib.contextmanager
def serving(binaries: Path) -> Iterator[str]:
    with subprocess.Popen([binaries / "bench-server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None and server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.stdin.close()


def count(binaries: Path, peer: str, case: str, base_url: str) -> int:
    """The instructions of the case, without those of the process's start and of the case's first run."""
    with tempfile.TemporaryDirectory() as directory:
        out = Path(directory, "out")
        callgrind = ["valgrind", "--tool=callgrind", "--collect-atstart=no", "--toggle-collect=*measured*"]
        command = [*callgrind, f"--callgrind-out-file={out}", str(binaries / "bench-peer"), peer, base_url, case]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"{peer}, {case}: {done.stderr}")
        found = re.search(r"^(?:summary|totals): (\d+)", out.read_text(), re.MULTILINE)
        assert found is not None
        return int(found[1])


def check(binaries: Path) -> None:
    recorded: dict[str, int] = json.loads(FIGURES.read_text())
    risen = []
    with serving(binaries) as base_url:
        for case, before in recorded.items():
            now = count(binaries, OURS, case, base_url)
            print(f"{WORDS[case]:<24} {now:>12,} instructions, {now / before - 1:+.1%}")
            if now > before * (1 + TOLERANCE):
                risen.append(case)
    if risen:
        raise SystemExit(
            f"{', '.join(risen)}: over {TOLERANCE:.0%} more than {FIGURES.name} says; make it cheaper again or, where it is "
            "worth the price or the compiler has changed, run `make bench-counts RECORD=--record`"
        )


def compare(binaries: Path, record: bool) -> None:
    counts = {}
    with serving(binaries) as base_url:
        for case, peers in CASES.items():
            counts[case] = ours = count(binaries, OURS, case, base_url)
            ratios = [f"{peer} {ours / count(binaries, peer, case, base_url):.2f}" for peer in peers]
            print(f"{WORDS[case]:<24} {ours:>12,} instructions; ours / {', '.join(ratios)}")
    if record:
        FIGURES.write_text(json.dumps(counts, indent=4) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binaries", type=Path, help="the directory of the built programs")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    if options.check:
        check(options.binaries)
    else:
        compare(options.binaries, options.record)


if __name__ == "__main__":
    sys.exit(main())
