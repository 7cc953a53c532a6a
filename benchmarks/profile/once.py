"""One run of a function, with the sampler or without, in a process of its own.

    python -m benchmarks.profile.once NAME UNITS sampled|plain

Prints the figures as JSON.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import time

import numpy as np

from fivefold.pipeline.profiling.sampler import HERTZ, Sampler


def python_loop(units: int) -> None:
    """Keep the interpreter busy: the sampler must wait for it at every call of the system."""
    total = 0
    for number in range(units * 1_000_000):
        total += number & 7


def matrices(units: int) -> None:
    """Keep the processors busy outside of the interpreter."""
    square = np.random.default_rng(0).random((600, 600))
    for _ in range(units * 8):
        square = square @ square
        square /= square.max()


def allocations(units: int) -> None:
    """Take memory and give it back."""
    for _ in range(units * 2):
        held = [np.ones(4_000_000, dtype=np.int8) for _ in range(25)]
        del held


def workers(units: int) -> None:
    """Compute in children, as a pool of fits does; one processor is left to all others."""
    fork = multiprocessing.get_context("fork")
    count = max(1, (os.cpu_count() or 1) - 1)
    started = [fork.Process(target=python_loop, args=(units,)) for _ in range(count)]
    for process in started:
        process.start()
    for process in started:
        process.join()


FUNCTIONS = {f.__name__: f for f in (python_loop, matrices, allocations, workers)}


def run(name: str, units: int, sampled: bool) -> dict[str, float]:
    """Run a function once; ``cpu`` is the time of its processes, and of the sampler."""
    function = FUNCTIONS[name]
    function(1)
    sampler = Sampler(HERTZ) if sampled else None
    if sampler is not None:
        sampler.start()
    began, cpu = time.perf_counter(), processor_seconds()
    function(units)
    found = {"wall": time.perf_counter() - began, "cpu": processor_seconds() - cpu}
    if sampler is not None:
        used = sampler.stop()
        found |= {
            "own": used.own_seconds / used.seconds,
            "hertz": used.samples / used.seconds,
        }
    return found


def processor_seconds() -> float:
    """Give the processors' time of this process and of its children that ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1], int(sys.argv[2]), sys.argv[3] == "sampled")))
