"""Hold a file against the hash that ``dvc.lock`` vouches for."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from fivefold.errors import IntegrityError
from fivefold.pipeline.project import load_yaml_file

__all__ = ["LOCK", "file_md5", "load_lock", "locked_outputs", "require_locked"]

LOCK = "dvc.lock"


def load_lock(root: Path) -> dict[str, Any]:
    """Read ``dvc.lock``; an absent one is empty."""
    path = root / LOCK
    return (load_yaml_file(path, LOCK) or {}) if path.is_file() else {}


def locked_outputs(root: Path) -> dict[str, str]:
    """Give the hash of every output in ``dvc.lock`` by its path."""
    return {
        out["path"]: out["md5"]
        for stage in (load_lock(root).get("stages") or {}).values()
        for out in stage.get("outs") or []
        if "md5" in out
    }


def file_md5(path: Path) -> str:
    """Give a file's MD5, as DVC computes it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def require_locked(root: Path, path: str) -> None:
    """Refuse a file whose hash is not the one in ``dvc.lock``.

    DVC does not look again at what it checked out of its cache, and a model is code.

    Raises
    ------
    IntegrityError
        The hash differs, or the lock does not know the file.
    """
    expected = locked_outputs(root).get(path)
    if expected is None:
        raise IntegrityError(
            "dvc.lock does not vouch for the model", where=path, hint="make it here: dvc repro"
        )
    got = file_md5(root / path)
    if got != expected:
        raise IntegrityError(
            "the model is not the one that dvc.lock vouches for",
            where=path,
            got=f"md5 {got}",
            allowed=f"md5 {expected}",
            hint=f"rm {path} && dvc checkout {path}; if it differs still, "
            "the cache is damaged: dvc repro --force train",
        )
