"""One peer in a process of its own: carries a scenario out each time it is told to, and says what that cost.

CPU time is that of the whole process, the engine's thread included, and not that of the server.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import inspect
import json
import resource
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


def main(peer_name: str, base_url: str) -> None:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    peer = made(peer_name, base_url)
    for line in sys.stdin:
        scenario = line.strip()
        if scenario == "offers":
            answer: Any = [name for name in dir(peer) if not name.startswith("_")]
        elif scenario == "memory":
            answer = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        else:
            answer = measure(peer, scenario, loop)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
