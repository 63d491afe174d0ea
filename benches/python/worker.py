"""One peer in a process of its own: carries a scenario out each time it is told to, and says what that cost.

CPU time is that of the whole process, the engine's thread included, and not that of the server.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import inspect
import json
import sys
import time
from typing import Any


def measure(peer: Any, scenario: str, loop: asyncio.AbstractEventLoop) -> dict[str, float]:
    work = getattr(peer, scenario)
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    done = loop.run_until_complete(work()) if inspect.iscoroutinefunction(work) else work()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {"cpu": cpu, "wall": wall, "done": done}


def made(peer_name: str, base_url: str) -> Any:
    """The packages with a model of their own are modules of their own: two of them have the same name."""
    if peer_name in ("ours", "published"):
        return importlib.import_module(peer_name).Peer(base_url)
    return importlib.import_module("peers").PEERS[peer_name](base_url)


def new_loop(kind: str) -> asyncio.AbstractEventLoop:
    if kind == "uvloop":
        return importlib.import_module("uvloop").new_event_loop()
    return asyncio.new_event_loop()


def peak() -> int:
    """The most memory that this process had so far, in KiB. (`ru_maxrss` also counts what the process was forked from.)"""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))


def main(peer_name: str, base_url: str, kind: str = "asyncio") -> None:
    loop = new_loop(kind)
    asyncio.set_event_loop(loop)
    peer = made(peer_name, base_url)
    for line in sys.stdin:
        scenario = line.strip()
        if scenario == "offers":
            answer: Any = [name for name in dir(peer) if not name.startswith("_")]
        elif scenario == "memory":
            answer = peak()
        else:
            answer = measure(peer, scenario, loop)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
