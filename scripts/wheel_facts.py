"""Say what a wheel weighs and what importing the installed package costs; fail if that is slow.

Run it with the Python of the environment in which the wheel is installed:
`python scripts/wheel_facts.py target/wheels/*.whl`.
"""

import argparse
import statistics
import subprocess
import sys
from pathlib import Path

RUNS = 15
#: The most CPU time that the package's own import may take, pydantic's left out. The least of
#: several runs has to be below it: whatever else the machine does can only add to a run.
LIMIT_MS = 30.0

#: Pydantic loads parts of itself when the first schema is declared: they are pydantic's too.
MEASURE = """
import time
from pydantic import BaseModel, Field
class Schema(BaseModel):
    id: int | None = Field(None)
wall, cpu = time.perf_counter(), time.process_time()
{statement}
print((time.process_time() - cpu) * 1e3, (time.perf_counter() - wall) * 1e3)
"""


def costs(statement: str) -> tuple[list[float], list[float]]:
    """CPU and wall time of an import in ms, each in a fresh process.

    The first one may have to compile, and does not count.
    """
    command = [sys.executable, "-I", "-c", MEASURE.format(statement=statement)]
    runs = [subprocess.check_output(command, text=True).split() for _ in range(RUNS + 1)][1:]
    return [float(cpu) for cpu, _ in runs], [float(wall) for _, wall in runs]


def show(words: str, cpu: list[float], wall: list[float]) -> None:
    medians = f"{statistics.median(cpu):.1f} ms CPU, {statistics.median(wall):.1f} ms wall"
    print(f"{words}: median {medians}; least {min(cpu):.1f} ms CPU, {min(wall):.1f} ms wall")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wheel", type=Path)
    wheel = parser.parse_args().wheel
    print(f"{wheel.name}: {wheel.stat().st_size / 1e6:.1f} MB")
    cpu, wall = costs("import django_api_orm")
    show("import django_api_orm beyond pydantic", cpu, wall)
    show("with the asynchronous half", *costs("from django_api_orm import AsyncAPIModel"))
    if min(cpu) > LIMIT_MS:
        print(f"the import takes more than {LIMIT_MS:.0f} ms", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
