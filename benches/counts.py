"""Counts the instructions of the Rust cases with callgrind, which are the same on a busy machine as on an idle one.

`make bench-counts` prints them and the ratios to the same job by hand. `--check` fails where the ratio to hyper-util is over
5 % more than that of benches/counts.json; `--record` writes that file. A ratio is compared and not a count, because both sides
change alike with the compiler and with what the processor can do.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from serving import serving

FIGURES = Path(__file__).parent / "counts.json"
OURS = "ours"
#: Whom a count is compared with, to see whether it has risen.
MEASURE = "hyper"
#: What is done, and by whom else.
CASES = {
    "get": ["reqwest", "hyper"],
    "page": ["slice", "hyper", "reqwest"],
    "walk": ["hyper", "reqwest"],
    "get_http2": ["hyper", "reqwest"],
}
WORDS = {
    "get": "100 times get(id)",
    "page": "a page of 10,000 rows",
    "walk": "50 pages of 200 rows",
    "get_http2": "1,000 gets over HTTP/2",
}
#: What a ratio may rise by before it is a failure. Two runs differ by less than a hundredth.
TOLERANCE = 0.05


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
    recorded: dict[str, dict[str, int]] = json.loads(FIGURES.read_text())
    risen = []
    with serving(binaries) as base_url:
        for case, before in recorded.items():
            ours, measure = (count(binaries, peer, case, base_url) for peer in (OURS, MEASURE))
            rise = ours / measure / (before[OURS] / before[MEASURE]) - 1
            print(f"{WORDS[case]:<24} {ours:>12,} instructions, {ours / measure:.2f} of {MEASURE}, {rise:+.1%}")
            if rise > TOLERANCE:
                risen.append(case)
    if risen:
        raise SystemExit(
            f"{', '.join(risen)}: over {TOLERANCE:.0%} more of {MEASURE} than {FIGURES.name} says; make it cheaper again or, "
            "where it is worth the price, run `make bench-counts RECORD=--record`"
        )


def compare(binaries: Path, record: bool) -> None:
    recorded = {}
    with serving(binaries) as base_url:
        for case, peers in CASES.items():
            counts = {peer: count(binaries, peer, case, base_url) for peer in [OURS, *peers]}
            recorded[case] = {peer: counts[peer] for peer in (OURS, MEASURE)}
            ratios = [f"{peer} {counts[OURS] / counts[peer]:.2f}" for peer in peers]
            print(f"{WORDS[case]:<24} {counts[OURS]:>12,} instructions; ours / {', '.join(ratios)}")
    if record:
        FIGURES.write_text(json.dumps(recorded, indent=4) + "\n")


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
