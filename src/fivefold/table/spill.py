"""A folder for what does not fit in memory while a stage runs; it goes when the process ends."""

from __future__ import annotations

import tempfile
from functools import cache
from itertools import count
from pathlib import Path

__all__ = ["spill_folder", "spill_path"]

_numbers = count()


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    # A project's own disk is where there is room for its data, and Git and DVC ignore its tmp. A
    # process that is killed leaves its folder there.
    own = Path(".dvc/tmp")
    return tempfile.TemporaryDirectory(
        prefix="fivefold-spill-",
        dir=own.resolve() if own.is_dir() else None,
        ignore_cleanup_errors=True,
    )


def spill_folder() -> Path:
    """Give the process's folder, made when it is first asked for."""
    return Path(_folder().name)


def spill_path(suffix: str) -> Path:
    """Give a path in the folder that nothing else uses."""
    return spill_folder() / f"{next(_numbers)}{suffix}"
