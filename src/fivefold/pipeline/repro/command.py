"""``fivefold repro`` on the command line: the run, its progress, and how it ended."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from fivefold.pipeline.repro.progress import Progress
from fivefold.pipeline.repro.schedule import Outcome, reproduce

__all__ = ["bring_up_to_date", "run"]

_INTERRUPTED = 130


def run(
    root: Path,
    targets: Sequence[str],
    *,
    jobs: int,
    force: bool,
    keep_going: bool,
    warm: bool,
    pull: bool,
) -> int:
    """Bring the pipeline up to date and print how it went.

    Parameters
    ----------
    root : Path
        The project.
    targets : sequence of str
    jobs : int
        0 for as many as there are processors.
    force, keep_going, warm, pull : bool
        See `fivefold.pipeline.repro.schedule.reproduce`.

    Returns
    -------
    int
        The exit code: 0, 1 where a stage failed, 130 after Ctrl-C.
    """
    outcome = bring_up_to_date(
        root, targets, jobs=jobs, force=force, keep_going=keep_going, warm=warm, pull=pull
    )
    if outcome.interrupted:
        return _INTERRUPTED
    return 1 if outcome.errors else 0


def bring_up_to_date(
    root: Path,
    targets: Sequence[str] = (),
    *,
    jobs: int = 0,
    force: bool = False,
    keep_going: bool = False,
    warm: bool = True,
    pull: bool = False,
) -> Outcome:
    """Run what changed and print how it went to standard error; parameters as those of `run`."""
    console = Console(stderr=True)
    with Progress(console) as progress:
        outcome = reproduce(
            root,
            targets,
            jobs=jobs or _processors(),
            force=force,
            keep_going=keep_going,
            warm=warm,
            pull=pull,
            watcher=progress,
        )
    for stage, why in outcome.errors.items():
        console.print(f"fivefold: the stage {stage!r} failed: {why}", markup=False, highlight=False)
    console.print(_summary(outcome), markup=False, highlight=False)
    return outcome


def _processors() -> int:
    """Count the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _summary(outcome: Outcome) -> str:
    words = {
        "ran": "ran",
        "restored": "restored",
        "unchanged": "unchanged",
        "failed": "failed",
        "skipped": "skipped, as what they need failed",
        "interrupted": "interrupted",
    }
    counted = [
        f"{count} {word}"
        for status, word in words.items()
        if (count := outcome.count(status))  # type: ignore[arg-type]
    ]
    text = ", ".join(counted) or "nothing to do"
    if outcome.interrupted:
        return f"interrupted: {text}; what ended is kept, and fivefold repro goes on from here"
    return text
