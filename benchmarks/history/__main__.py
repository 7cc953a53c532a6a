"""How long reading the history takes: ``fivefold leaderboard`` and ``diff`` against DVC's commands.

    python -m benchmarks.history [--commits 200 2000] [--full] [--runs 3] [--output TABLE.md]

The histories are made first (`synthetic`). Then every command runs in turn, so that a machine that
slows down slows all of them; of each the median is given, with the processor time beside the wall
time and the peak memory of the whole process. ``cold`` means without what Fivefold remembers under
``.git/fivefold`` and without what DVC keeps under ``.dvc/tmp``; the system's file cache is warm.

``--full`` adds 10,000 and 100,000 commits, a hundred thousand branches, and DVC on 2,000 commits,
which takes it minutes. DVC is not run on longer histories, and nothing is extrapolated.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.history.synthetic import make_history, make_references

ENVIRONMENT = {
    **os.environ,
    "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
}
BOARD = ("fivefold", "leaderboard", "--all", "--format", "csv")
SHOW = ("dvc", "exp", "show", "-A", "--json")
DIFF = ("fivefold", "diff", "HEAD~5", "HEAD")
METRICS_DIFF = ("dvc", "metrics", "diff", "HEAD~5", "HEAD")
_BRANCHES, _LOOSE = 100_000, 10_000


@dataclass
class Figure:
    """What one command took, run by run.

    Attributes
    ----------
    what : str
    wall, processor : list of float
        Seconds.
    memory : list of float
        Peak, in MB.
    """

    what: str
    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)

    def row(self, peer: Figure | None) -> str:
        """Give a row of the Markdown table; ratios are of the runs made one after the other."""
        ratio = ""
        if peer is not None:
            pairs = [theirs / ours for theirs, ours in zip(peer.wall, self.wall, strict=True)]
            ratio = f"{statistics.median(pairs):.1f}"
        wall, processor = statistics.median(self.wall), statistics.median(self.processor)
        return f"| {self.what} | {wall:.2f} | {processor:.2f} | {max(self.memory):.0f} | {ratio} |"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.history")
    parser.add_argument("--commits", type=int, nargs="+", default=[200, 2000])
    parser.add_argument("--full", action="store_true", help="also 10,000 and 100,000 commits")
    parser.add_argument("--runs", type=int, default=3, help="how often each command is run")
    parser.add_argument("--output", type=Path, help="also write the table here")
    options = parser.parse_args()
    sizes = [*options.commits, *([10_000, 100_000] if options.full else [])]
    lines = [
        "| what | wall, s | processor, s | peak memory, MB | times faster |",
        "|---|---:|---:|---:|---:|",
    ]
    with tempfile.TemporaryDirectory() as folder:
        for size in dict.fromkeys(sizes):
            history = make_history(Path(folder) / str(size), size)
            with_dvc = size <= (2000 if options.full else 200)
            lines += measure(history, f"{size:,} commits", options.runs, with_dvc=with_dvc)
            print("\n".join(lines), flush=True)
            if options.full and size == 2000:
                make_references(history, _BRANCHES, loose=_LOOSE)
                named = f"{size:,} commits, {_BRANCHES:,} branches ({_LOOSE:,} loose)"
                lines += measure(history, named, options.runs, with_dvc=False)[:2]
            shutil.rmtree(history)
    table = "\n".join(lines) + "\n"
    print(table)
    if options.output:
        options.output.write_text(table, encoding="utf-8")


def measure(history: Path, named: str, runs: int, *, with_dvc: bool) -> list[str]:
    """Run all commands in turn and give their rows."""
    cold, warm = Figure(f"{named}: `leaderboard`, cold"), Figure(f"{named}: `leaderboard`, warm")
    diff = Figure(f"{named}: `diff`")
    show, show_again = Figure(f"{named}: `dvc exp show -A`, cold"), Figure("the same, warm")
    metrics_diff = Figure(f"{named}: `dvc metrics diff`")

    def forget() -> None:
        shutil.rmtree(history / ".git" / "fivefold", ignore_errors=True)
        shutil.rmtree(history / ".dvc" / "tmp", ignore_errors=True)

    for _ in range(runs):
        forget()
        run(history, BOARD, cold)
        run(history, BOARD, warm)
        if with_dvc:
            run(history, SHOW, show)
            run(history, SHOW, show_again)
        run(history, DIFF, diff)
        run(history, METRICS_DIFF, metrics_diff)
    if with_dvc:
        rows = [cold.row(show), warm.row(show_again), show.row(None), show_again.row(None)]
    else:
        rows = [cold.row(None), warm.row(None)]
    return [*rows, diff.row(metrics_diff), metrics_diff.row(None)]


def run(folder: Path, command: tuple[str, ...], figure: Figure) -> None:
    """Run a command to its end and note what it took, with what it started."""
    with tempfile.TemporaryFile() as said:
        began = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=said
        )
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            sys.exit(f"{' '.join(command)} failed:\n{said.read().decode(errors='replace')}")
    figure.wall.append(wall)
    figure.processor.append(used.ru_utime + used.ru_stime)
    figure.memory.append(used.ru_maxrss / 1024)


if __name__ == "__main__":
    main()
