"""What stages gave when they ran again, against what ``dvc.lock`` claims that they give."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from fivefold.pipeline.integrity import file_md5

__all__ = ["compare", "content_hash", "json_outputs", "outs"]


def compare(
    project: Path,
    claimed: Mapping[str, Any],
    found: Mapping[str, Any],
    names: Iterable[str],
    before: Mapping[str, bytes],
    tolerance: float,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Compare the outputs of stages with what ``dvc.lock`` claimed of them.

    Parameters
    ----------
    project : Path
        Where they ran.
    claimed, found : mapping
        The stages of ``dvc.lock``, before and after.
    names : iterable of str
        The stages.
    before : mapping of str to bytes
        Their JSON outputs as committed.
    tolerance : float
        See :class:`fivefold.policy.ReviewConfig`.

    Returns
    -------
    differences, close : tuple of str
        A line per output whose bytes differ: beyond the tolerance, and within.
    """
    differences: list[str] = []
    close: list[str] = []
    for name in names:
        there, here = outs(claimed.get(name)), outs(found.get(name))
        paths = [path for path in {**there, **here} if there.get(path) != here.get(path)]
        alike = {
            path: _alike(before[path], (project / path).read_bytes(), tolerance)
            for path in paths
            if path in before and (project / path).is_file()
        }
        judged = any(path in before for path in there)
        for path in paths:
            line = f"{name}: {path}: {there.get(path)} claimed, {here.get(path)} found"
            let_pass = alike.get(path, judged)
            (close if tolerance and let_pass else differences).append(line)
    return tuple(differences), tuple(close)


def _alike(old: bytes, new: bytes, tolerance: float) -> bool:
    """Tell whether two JSON texts hold the same, numbers within the tolerance."""
    return _same(json.loads(old), json.loads(new), tolerance)


def _same(old: Any, new: Any, tolerance: float) -> bool:
    if isinstance(old, dict) and isinstance(new, dict):
        return old.keys() == new.keys() and all(_same(old[k], new[k], tolerance) for k in old)
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(
            _same(a, b, tolerance) for a, b in zip(old, new, strict=True)
        )
    if isinstance(old, float) or isinstance(new, float):
        numbers = all(isinstance(x, (int, float)) and not isinstance(x, bool) for x in (old, new))
        return numbers and math.isclose(old, new, rel_tol=tolerance, abs_tol=tolerance)
    return bool(old == new)


def json_outputs(claimed: Mapping[str, Any], names: Iterable[str], project: Path) -> list[str]:
    """Name the JSON files that stages write, of those that are there."""
    return [
        path
        for name in names
        for path in outs(claimed[name])
        if path.endswith(".json") and (project / path).is_file()
    ]


def outs(stage: Mapping[str, Any] | None) -> dict[str, str]:
    """Give the hash of each output of a stage in ``dvc.lock``, by path."""
    return {out["path"]: out.get("md5", "") for out in (stage or {}).get("outs") or []}


def content_hash(path: Path) -> str:
    """Hash a file or folder as DVC does."""
    if not path.is_dir():
        return file_md5(path)
    listing = [
        {"md5": file_md5(file), "relpath": file.relative_to(path).as_posix()}
        for file in path.rglob("*")
        if file.is_file()
    ]
    listing.sort(key=lambda entry: tuple(entry["relpath"].split("/")))
    text = json.dumps(listing, sort_keys=True).encode()
    return hashlib.md5(text, usedforsecurity=False).hexdigest() + ".dir"
