"""A content on its way here: what has come is kept, with what the remote said of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from fivefold.data.sources.pins import Snapshot
from fivefold.files import replace_text

__all__ = ["Download", "file_sha256"]


class Download:
    """A content that is being fetched.

    Attributes
    ----------
    path : Path
        The file to append to.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._of = path.with_name("of.json")

    @property
    def size(self) -> int:
        """How many bytes are here."""
        return self.path.stat().st_size if self.path.exists() else 0

    def marks(self) -> dict[str, str]:
        """Give what the remote said of the content when it was begun; nothing if that is lost."""
        try:
            found = json.loads(self._of.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def begin(self, marks: Mapping[str, str]) -> None:
        """Start from nothing."""
        self.path.unlink(missing_ok=True)
        replace_text(self._of, json.dumps(dict(marks)))
        self.path.touch()

    def snapshot(self, marks: Mapping[str, str], as_of: str | None) -> Snapshot:
        """Hash what has come, now that it is whole."""
        return Snapshot(file_sha256(self.path), dict(marks), as_of)


def file_sha256(path: Path) -> str:
    """Hash a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
