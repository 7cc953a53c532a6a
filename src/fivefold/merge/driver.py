"""What Git calls to merge one file: a base, ours to write the result to, and theirs.

Git calls it while it merges whole trees in memory, so nothing but the three files is there to look
at: no `conf/`, no `MERGE_HEAD`, no other file's outcome. Each driver must be right by itself.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from fivefold.errors import FivefoldError, MergeError, nearest
from fivefold.merge.lock import merge_locks
from fivefold.merge.values import merge_values

__all__ = ["KINDS", "NEXT", "merge_files"]

NEXT = "dvc checkout --allow-missing && dvc repro"
"""What a merge leaves to do: to fetch what is known of either side, to run what is not."""


def merge_files(
    kind: str, base: Path, ours: Path, theirs: Path, marker_size: int, where: str
) -> bool:
    """Merge three files as Git's driver, writing the result to ``ours``.

    Where they can't be merged by their meaning, they are merged as text, so that the user finds
    the conflict markers that Git itself would have left.

    Parameters
    ----------
    kind : {"lock", "params", "figures"}
        What the files hold.
    base, ours, theirs : Path
        The three versions; an absent one is empty.
    marker_size : int
        How long conflict markers are.
    where : str
        The file's path in the repository.

    Returns
    -------
    bool
        Whether they were merged; otherwise the user has a conflict to resolve.

    Raises
    ------
    MergeError
        There is no such kind.
    """
    merge = KINDS.get(kind)
    if merge is None:
        raise MergeError(
            "no merge driver has this name", got=kind, allowed=KINDS, hint=nearest(kind, KINDS)
        )
    try:
        texts = [_read(path, where) for path in (base, ours, theirs)]
        old, here, there = (text.replace("\r\n", "\n") for text in texts)
        merged = merge(old, here, there, where)
    except FivefoldError as error:
        sys.stderr.write(f"fivefold: {error}\n")
        size = f"--marker-size={marker_size}"
        labels = [part for name in ("ours", "base", "theirs") for part in ("-L", name)]
        command = ["git", "merge-file", "--quiet", size, *labels]
        subprocess.run([*command, str(ours), str(base), str(theirs)], check=False)
        return False
    ends = "\r\n" if "\r\n" in texts[1] else "\n"
    ours.write_text(merged, encoding="utf-8", newline=ends)
    return True


def _read(path: Path, where: str) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise MergeError("not valid UTF-8", where=where, got=str(error)) from None


def _lock(base: str, ours: str, theirs: str, where: str) -> str:
    merged = merge_locks(base, ours, theirs, where)
    if merged.dropped:
        names = ", ".join(merged.dropped)
        sys.stderr.write(f"fivefold: {where}: both sides ran {names}; next: {NEXT}\n")
    return merged.text


def _params(base: str, ours: str, theirs: str, where: str) -> str:
    from fivefold.pipeline.params import read_params, render_merged

    sides = [read_params(text, where) for text in (base, ours, theirs)]
    return render_merged(merge_values(*sides))


def _figures(base: str, ours: str, theirs: str, where: str) -> str:
    if where.endswith(".jsonl"):
        lines = merge_values(*(_read_lines(text, where) for text in (base, ours, theirs)))
        return "".join(f"{line}\n" for line in lines.values())
    merged = merge_values(*(_read_json(text, where) for text in (base, ours, theirs)))
    return json.dumps(merged, indent=2, ensure_ascii=False) + "\n"


def _read_lines(text: str, where: str) -> dict[str, str]:
    """Give the lines of a file of JSON lines by the stage that each names."""
    found = {}
    for line in text.splitlines():
        stage = _read_json(line, where).get("stage")
        if not isinstance(stage, str):
            raise MergeError("a line names no stage", where=where, got=line[:80])
        found[stage] = line
    return found


def _read_json(text: str, where: str) -> dict[str, Any]:
    try:
        values = json.loads(text or "{}")
    except ValueError as error:
        raise MergeError("not valid JSON", where=where, got=str(error)) from None
    if not isinstance(values, dict):
        raise MergeError("not a mapping", where=where, got=type(values).__name__)
    return values


KINDS: Mapping[str, Callable[[str, str, str, str], str]] = {
    "lock": _lock,
    "params": _params,
    "figures": _figures,
}
"""How each kind of file is merged: (base, ours, theirs, path) to the merged text."""
