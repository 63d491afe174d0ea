"""Runs what is compared with this project itself, in Rust: `make bench-limits`. The cases are in rust/peer/limits.rs."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from serving import serving


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binaries", type=Path, help="the directory of the built programs")
    binaries = parser.parse_args().binaries
    with serving(binaries) as base_url:
        return subprocess.run([binaries / "bench-peer", "limits", base_url], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
