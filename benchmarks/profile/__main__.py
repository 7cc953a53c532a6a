"""What sampling costs: functions with the sampler and without, in turns.

    python -m benchmarks.profile [--pairs 8] [--seconds 1]

Each function does a fixed amount of work. It is run in the order without, with, with, without, so
that a machine that slows down slows both sides: ``wall`` and ``cpu`` are ratios of the sums,
``least`` is one of the quickest runs. On a machine that others use they vary by some per cent.
``own`` is the sampler's own time of a processor, per second of the run, which nobody disturbs.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.profile.once import FUNCTIONS
from benchmarks.projects import ENVIRONMENT
from fivefold.pipeline.profiling.sampler import HERTZ, Sampler


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profile")
    parser.add_argument("--pairs", type=int, default=8, help="how often each side is run")
    parser.add_argument("--seconds", type=float, default=1.0, help="about how long each run takes")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    options = parser.parse_args()
    figures = {name: measure(name, options.pairs, options.seconds) for name in FUNCTIONS}
    figures["start and stop"] = {"seconds": start_and_stop()}
    show(figures)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def measure(name: str, pairs: int, seconds: float) -> dict[str, float]:
    """Run a function in turns, each time in a process of its own."""
    units = max(1, round(4 * seconds / once(name, 4, "plain")["wall"]))
    runs: dict[str, list[dict[str, float]]] = {"sampled": [], "plain": []}
    for turn in range(pairs):
        for side in ("plain", "sampled") if turn % 2 == 0 else ("sampled", "plain"):
            # How fast a loop of Python is depends on where its objects lie, by a tenth at times.
            runs[side].append(once(name, units, side))

    def ratio(figure: str, join: Callable[[list[float]], float]) -> float:
        sampled, plain = (
            join([found[figure] for found in runs[side]]) for side in ("sampled", "plain")
        )
        return sampled / plain

    return {
        "seconds": statistics.median(found["wall"] for found in runs["plain"]),
        "wall_ratio": ratio("wall", sum),
        "least_wall_ratio": ratio("wall", min),
        "cpu_ratio": ratio("cpu", sum),
        "own_share": statistics.median(found["own"] for found in runs["sampled"]),
        "hertz": statistics.median(found["hertz"] for found in runs["sampled"]),
    }


def once(name: str, units: int, side: str) -> dict[str, float]:
    """Run a function in a fresh process and give its figures."""
    command = [sys.executable, "-m", "benchmarks.profile.once", name, str(units), side]
    done = subprocess.run(command, env=ENVIRONMENT, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


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
