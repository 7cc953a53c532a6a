"""What sampling costs: functions with the sampler and without, in turns.

    python -m benchmarks.profile [--pairs 6] [--seconds 1.5]

Each function does a fixed amount of work. It is run in the order without, with, with, without, so
that a machine that slows down slows both sides; the ratio is of the sums. Beside it stands the
sampler's own time of a processor, per second of the run, which no other process disturbs.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

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
    """Compute in two processes, as a pool of fits does."""
    fork = multiprocessing.get_context("fork")
    started = [fork.Process(target=python_loop, args=(units,)) for _ in range(2)]
    for process in started:
        process.start()
    for process in started:
        process.join()


FUNCTIONS = (python_loop, matrices, allocations, workers)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profile")
    parser.add_argument("--pairs", type=int, default=6, help="how often each side is run")
    parser.add_argument("--seconds", type=float, default=1.5, help="about how long each run takes")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    options = parser.parse_args()
    figures = {f.__name__: measure(f, options.pairs, options.seconds) for f in FUNCTIONS}
    figures["start and stop"] = {"seconds": start_and_stop()}
    show(figures)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def measure(function: Callable[[int], None], pairs: int, seconds: float) -> dict[str, float]:
    """Run a function in turns; ``cpu`` is the time of its processes, and of the sampler."""
    units = sized(function, seconds)
    wall: dict[bool, list[float]] = {True: [], False: []}
    used: dict[bool, list[float]] = {True: [], False: []}
    own, rates = [], []
    for turn in range(pairs):
        for sampled in (False, True) if turn % 2 == 0 else (True, False):
            sampler = Sampler(HERTZ) if sampled else None
            if sampler is not None:
                sampler.start()
            began, cpu = time.perf_counter(), processor_seconds()
            function(units)
            wall[sampled].append(time.perf_counter() - began)
            used[sampled].append(processor_seconds() - cpu)
            if sampler is not None:
                found = sampler.stop()
                own.append(found.own_seconds / found.seconds)
                rates.append(found.samples / found.seconds)
    return {
        "seconds": statistics.median(wall[False]),
        "wall_ratio": sum(wall[True]) / sum(wall[False]),
        "least_wall_ratio": min(wall[True]) / min(wall[False]),
        "cpu_ratio": sum(used[True]) / sum(used[False]),
        "own_share": statistics.median(own),
        "hertz": statistics.median(rates),
    }


def processor_seconds() -> float:
    """Give the processors' time of this process and of its children that ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def sized(function: Callable[[int], None], seconds: float) -> int:
    """Find how much work takes about so long."""
    function(1)
    began = time.perf_counter()
    function(2)
    return max(1, round(2 * seconds / (time.perf_counter() - began)))


def start_and_stop() -> float:
    """Time what a stage pays that is over at once."""
    times = []
    for _ in range(20):
        began = time.perf_counter()
        sampler = Sampler(HERTZ)
        sampler.start()
        sampler.stop()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def show(figures: dict[str, dict[str, float]]) -> None:
    """Print a line for each function."""
    print(f"{'':<14}{'s':>7}{'wall':>8}{'least':>8}{'cpu':>8}{'own':>8}{'Hz':>7}")
    for name, found in figures.items():
        if "wall_ratio" not in found:
            print(f"{name:<14}{found['seconds'] * 1000:>7.1f} ms")
            continue
        ratios = (found["wall_ratio"], found["least_wall_ratio"], found["cpu_ratio"])
        print(
            f"{name:<14}{found['seconds']:>7.2f}"
            + "".join(f"{ratio:>8.3f}" for ratio in ratios)
            + f"{found['own_share']:>8.2%}{found['hertz']:>7.1f}"
        )


if __name__ == "__main__":
    main()
