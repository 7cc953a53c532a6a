"""The two files of what runs cost, which stages that run side by side all write."""

from __future__ import annotations

import hashlib
import json
import math
import os
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from filelock import FileLock

from fivefold.pipeline.profiling.costs import rated
from fivefold.pipeline.profiling.settings import PricesConfig, ProfileConfig
from fivefold.pipeline.stages import COMPOSE, PROFILE, STAGES, TIMELINE

__all__ = ["keep"]

_PATIENCE = 30.0


def keep(
    root: Path,
    stage: str,
    figures: Mapping[str, Any],
    line: Mapping[str, Any],
    profile: ProfileConfig,
    prices: PricesConfig,
) -> None:
    """Write a stage's figures and timeline, leaving the other stages' as they are.

    What they all emit and cost is reckoned anew, so that the file is at one price throughout.

    Raises
    ------
    OSError
        A file can't be written.
    """
    # Stages that run side by side write one after the other, or one's figures would be lost.
    with FileLock(_lock_file(root), timeout=_PATIENCE):
        path = root / PROFILE
        path.parent.mkdir(parents=True, exist_ok=True)
        known = {**_figures(path), stage: _finite(figures)}
        priced = {name: rated(known[name], profile, prices) for name in _ranked(known)}
        _replace(path, _written(priced))

        path = root / TIMELINE
        lines = {**_lines(path), stage: json.dumps(_finite(line), separators=(",", ":"))}
        text = "".join(f"{lines[name]}\n" for name in _ranked(lines))
        _replace(path, text)


def _lock_file(root: Path) -> Path:
    own = root / ".dvc" / "tmp"
    folder = own if own.is_dir() else Path(tempfile.gettempdir())
    name = hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:16]
    return folder / f"fivefold-profile-{name}.lock"


def _figures(path: Path) -> dict[str, dict[str, Any]]:
    known: Any = {}
    with suppress(OSError, ValueError):
        known = json.loads(path.read_text(encoding="utf-8"))
    found = known.items() if isinstance(known, dict) else ()
    return {name: entry for name, entry in found if isinstance(entry, dict)}


def _lines(path: Path) -> dict[str, str]:
    """Give the lines of the timelines' file by stage; what is no such line is left out."""
    found = {}
    with suppress(OSError, ValueError):
        for line in path.read_text(encoding="utf-8").splitlines():
            with suppress(ValueError, TypeError, KeyError):
                found[str(json.loads(line)["stage"])] = line
    return found


def _ranked(names: Iterable[str]) -> list[str]:
    """Give the names in the pipeline's order; those of no stage last."""
    order = [COMPOSE, *(item.name for item in STAGES)]
    return sorted(names, key=lambda name: (order.index(name) if name in order else 99, name))


def _written(entries: Mapping[str, Mapping[str, Any]]) -> str:
    """Write a figure a line, with all that it is made of: the parts may be hundreds of trials."""
    stages = [
        f"  {json.dumps(stage)}: {{\n"
        + ",\n".join(f"    {json.dumps(key)}: {json.dumps(value)}" for key, value in entry.items())
        + "\n  }"
        for stage, entry in entries.items()
    ]
    return "{\n" + ",\n".join(stages) + "\n}\n"


def _replace(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8", newline="\n")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _finite(value: Any) -> Any:
    """Give plain JSON without NaN and infinities, which it has no words for."""
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
