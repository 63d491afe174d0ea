"""Refuse a lock file with a dependency that declares a newer Rust than the workspace does.

Prints the dependencies that need more than `rust-version` in the workspace's Cargo.toml, and
fails if there are any.
It believes what the dependencies declare; only a build with that Rust proves it.
"""

import json
import subprocess
import sys


def version(text: str) -> tuple[int, ...]:
    """Read `1.89` or `1.89.0` as (1, 89, 0)."""
    numbers = [int(part) for part in text.split("-")[0].split(".")]
    return tuple(numbers + [0] * (3 - len(numbers)))


def main() -> int:
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--all-features"]
    metadata = json.loads(subprocess.check_output(command))
    members = set(metadata["workspace_members"])
    ours = {package["rust_version"] for package in metadata["packages"] if package["id"] in members}
    if None in ours or len(ours) != 1:
        print("every crate of the workspace has to declare the same rust-version", file=sys.stderr)
        return 1
    (promised,) = ours
    newer = [
        f"{package['name']} {package['version']} needs Rust {package['rust_version']}"
        for package in metadata["packages"]
        if package["rust_version"] and version(package["rust_version"]) > version(promised)
    ]
    if newer:
        print(f"the workspace promises Rust {promised}, but", *newer, sep="\n  ", file=sys.stderr)
        return 1
    print(f"{len(metadata['packages'])} packages: none declares a Rust newer than {promised}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
