"""What a person sees of a run: a line as each stage ends, and what runs now."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table

from fivefold.pipeline.repro.children import Job
from fivefold.pipeline.repro.schedule import Status

__all__ = ["Progress"]

_REFRESH = 0.5
_WORDS: dict[Status, tuple[str, str]] = {
    "ran": ("ran", "green"),
    "restored": ("restored from the cache", "green"),
    "failed": ("failed", "red"),
    "interrupted": ("interrupted", "yellow"),
}


class Progress:
    """Shows a run on a console; a `Watcher`.

    Parameters
    ----------
    console : rich.console.Console
        A terminal gets a live table of what runs; anything else a line for each stage.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, transient=True, auto_refresh=False)
        self._began: dict[str, float] = {}
        self._peak: dict[str, int] = {}
        self._drawn = 0.0

    def __enter__(self) -> Progress:
        """Begin to draw."""
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave only the lines."""
        self._live.stop()

    def started(self, stage: str, job: Job) -> None:
        """Say that a stage runs, with its command."""
        self._began[stage] = time.monotonic()
        if not self._console.is_terminal:
            self._say(f"{stage}: {' && '.join(job.commands)}")

    def ended(self, stage: str, status: Status, seconds: float, printed: str) -> None:
        """Say how a stage ended, after what it printed."""
        self._began.pop(stage, None)
        if printed.strip():
            self._say(printed.rstrip())
        if status in _WORDS:
            word, colour = _WORDS[status]
            peak = self._peak.get(stage)
            memory = f", {peak / 1e6:.0f} MB" if peak else ""
            self._say(f"{stage}: {word} ({seconds:.1f} s{memory})", colour)
        if not self._began and self._console.is_terminal:
            self._live.update("", refresh=True)

    def tick(self, running: Mapping[str, Job]) -> None:
        """Draw what runs now, with its time and memory."""
        now = time.monotonic()
        if now - self._drawn < _REFRESH:
            return
        self._drawn = now
        table = Table.grid(padding=(0, 2))
        for stage, job in running.items():
            memory = _memory(job.pid)
            self._peak[stage] = max(memory, self._peak.get(stage, 0))
            spent = now - self._began.get(stage, now)
            table.add_row(f"… {stage}", f"{spent:.0f} s", f"{memory / 1e6:.0f} MB")
        if self._console.is_terminal:
            self._live.update(table, refresh=True)

    def _say(self, text: str, style: str | None = None) -> None:
        self._console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def _memory(pid: int | None) -> int:
    """Give the resident memory of a process and of those below it, in bytes."""
    import psutil

    if pid is None:
        return 0
    total = 0
    try:
        process = psutil.Process(pid)
        found: list[Any] = [process, *process.children(recursive=True)]
    except psutil.Error:
        return 0
    for item in found:
        try:
            total += item.memory_info().rss
        except psutil.Error:
            continue
    return total
