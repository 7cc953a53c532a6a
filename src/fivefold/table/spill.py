"""A folder for what does not fit in memory while a stage runs; it goes when the process ends."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from contextlib import suppress
from functools import cache
from itertools import count
from pathlib import Path

import psutil

__all__ = ["spill_folder", "spill_path"]

_numbers = count()
_PREFIX = "fivefold-spill-"
# So long after its last change no process that is still starting can own a folder.
_STALE_SECONDS = 3600


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    # A project's own disk is where there is room for its data, and Git and DVC ignore its tmp.
    own = Path(".dvc/tmp")
    if own.is_dir():
        _sweep(own)
    return tempfile.TemporaryDirectory(
        prefix=f"{_PREFIX}{os.getpid()}-",
        dir=own.resolve() if own.is_dir() else None,
        ignore_cleanup_errors=True,
    )


def _sweep(parent: Path) -> None:
    """Remove what processes that were killed left."""
    for folder in parent.glob(f"{_PREFIX}*"):
        owner = folder.name.removeprefix(_PREFIX).partition("-")[0]
        with suppress(OSError):
            old = time.time() - folder.stat().st_mtime > _STALE_SECONDS
            if old and owner.isdigit() and not psutil.pid_exists(int(owner)):
                shutil.rmtree(folder, ignore_errors=True)


def spill_folder() -> Path:
    """Give the process's folder, made when it is first asked for."""
    return Path(_folder().name)


def spill_path(suffix: str) -> Path:
    """Give a path in the folder that nothing else uses."""
    return spill_folder() / f"{next(_numbers)}{suffix}"
