"""What a run costs, kept apart from what it computes.

``metrics/profile.json`` varies from run to run, so it is an output of no stage: it is committed and
listed under ``metrics`` at the top level of ``dvc.yaml``.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock

from fivefold.pipeline.artifacts import write_json
from fivefold.pipeline.stages import COMPOSE, PROFILE, STAGES

__all__ = ["Profiler"]

_PATIENCE = 30.0


class Profiler:
    """Measures the parts of a stage's run in this process and records them under its name.

    Parameters
    ----------
    root : Path
        The project's folder.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._started = time.perf_counter()
        self._parts: dict[str, float] = {}

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Time one part of the run: reading, computing or writing."""
        began = time.perf_counter()
        yield
        self._parts[name] = time.perf_counter() - began

    def record(self, stage: str) -> None:
        """Write a stage's figures, leaving the other stages' as they are.

        ``seconds`` is the wall time since this object was made, so without the interpreter's
        start; ``compute_seconds`` includes the imports that the stage's work needs.
        """
        path = self._root / PROFILE
        figures = {
            "seconds": round(time.perf_counter() - self._started, 3),
            **{f"{name}_seconds": round(value, 3) for name, value in self._parts.items()},
            "cpu_seconds": round(time.process_time(), 3),
            "peak_memory_mb": round(_peak_memory() / 1e6, 1),
        }
        # Stages that run side by side write one after the other, or one's figures would be lost.
        with FileLock(self._lock_file(), timeout=_PATIENCE):
            self._replace(path, stage, figures)

    def _lock_file(self) -> Path:
        own = self._root / ".dvc" / "tmp"
        folder = own if own.is_dir() else Path(tempfile.gettempdir())
        name = hashlib.sha256(str(self._root.resolve()).encode()).hexdigest()[:16]
        return folder / f"fivefold-profile-{name}.lock"

    @staticmethod
    def _replace(path: Path, stage: str, figures: dict[str, float]) -> None:
        known: dict[str, object] = {}
        with suppress(OSError, ValueError):
            known = json.loads(path.read_text(encoding="utf-8"))
        known[stage] = figures
        order = [COMPOSE, *(item.name for item in STAGES)]
        ranked = sorted(known, key=lambda name: (order.index(name) if name in order else 99, name))
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        # A figure that can't be kept is no reason to fail a stage whose outputs stand.
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_json({name: known[name] for name in ranked}, part)
            part.replace(path)


def _peak_memory() -> float:
    """Give this process's peak resident memory in bytes."""
    if sys.platform == "win32":
        import psutil

        return float(psutil.Process().memory_info().peak_wset)
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(peak if sys.platform == "darwin" else peak * 1024)
