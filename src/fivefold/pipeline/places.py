"""Where in ``conf/`` a value is set: what an error message points at."""

from __future__ import annotations

import re
from pathlib import Path

from fivefold.pipeline.project import deepest

__all__ = ["CONF", "OVERRIDES", "locate"]

CONF = "conf"
OVERRIDES = "overrides.yaml"


def locate(root: Path, path: list[str]) -> str:
    """Name the file and line in ``conf/`` that sets a value, or the value's dotted name."""
    dotted = ".".join(path)
    best, place = 0, dotted
    for file in [root / OVERRIDES, *sorted((root / CONF).rglob("*.yaml"))]:
        if not file.is_file():
            continue
        text = file.read_text(encoding="utf-8")
        package = re.match(r"\s*#\s*@package\s+(\S+)", text)
        inside = package is not None and package.group(1) == path[0]
        depth, line = deepest(text, path[1:] if inside else path)
        if line is not None and depth + inside > best:
            best = depth + inside
            place = f"{file.relative_to(root).as_posix()}:{line} ({dotted})"
    return place
