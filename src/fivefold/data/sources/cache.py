"""What was fetched, kept on this machine: contents by their SHA-256, parts to take up again.

It lies in the user's cache folder, which every project shares; deleting it costs a download.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import platformdirs
from filelock import FileLock

from fivefold.data.sources.download import Download, file_sha256
from fivefold.data.sources.pins import Snapshot
from fivefold.errors import SourceError
from fivefold.files import replace_text

__all__ = ["Cache"]


class Cache:
    """Contents and what is known of them.

    Parameters
    ----------
    root : Path, optional
        The folder; the user's by default.
    """

    def __init__(self, root: Path | None = None) -> None:
        user = Path(platformdirs.user_cache_dir("fivefold", appauthor=False))
        self.root = root or user / "sources"

    @contextlib.contextmanager
    def fetching(self, key: str) -> Iterator[Download]:
        """Give the part of a source, to no other process at a time.

        Raises
        ------
        SourceError
            The cache can't be written.
        """
        folder = self.root / "parts" / key
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with FileLock(folder / "lock"):
                yield Download(folder / "content")
        except OSError as error:
            raise SourceError(
                "the cache of sources can't be written",
                where="the user's cache folder",
                got=error.strerror or type(error).__name__,
                hint="free some space, or set XDG_CACHE_HOME to a folder with room",
            ) from error

    def find(self, sha256: str, name: str) -> Path | None:
        """Give a content under a file name, which tells its format; None where it is not here."""
        folder = self._folder(sha256)
        path = folder / _safe(name)
        if path.is_file():
            return path
        for other in sorted(folder.glob("*")) if folder.is_dir() else ():
            with contextlib.suppress(FileExistsError):
                try:
                    os.link(other, path)
                except OSError:
                    shutil.copyfile(other, path)
            return path
        return None

    def adopt(self, part: Path, sha256: str, name: str) -> Path:
        """Take a whole content in."""
        folder = self._folder(sha256)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / _safe(name)
        part.chmod(0o444)
        part.replace(path)
        return path

    def seal(self, path: Path, sha256: str) -> None:
        """Keep the digest of a content's file, where the content is known by that of its rows."""
        replace_text(self._seal(sha256), file_sha256(path))

    def sealed(self, sha256: str) -> str | None:
        """Give the digest that a content's file had when it was taken in, if that was kept."""
        try:
            return self._seal(sha256).read_text(encoding="utf-8")
        except (OSError, UnicodeError):
            return None

    def drop(self, sha256: str) -> None:
        """Remove a content that is not what it was."""
        shutil.rmtree(self._folder(sha256), ignore_errors=True)

    def recall(self, key: str) -> Snapshot | None:
        """Give what was learnt of a source when it was last fetched here."""
        try:
            text = (self.root / "known" / f"{key}.json").read_text(encoding="utf-8")
            return Snapshot.of(json.loads(text))
        except (OSError, ValueError):
            return None

    def remember(self, key: str, snapshot: Snapshot) -> None:
        """Keep what was learnt of a source."""
        path = self.root / "known" / f"{key}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_text(path, json.dumps(snapshot.plain()))

    def _seal(self, sha256: str) -> Path:
        # Beside the folder, in which every file is the content under a name.
        return self._folder(sha256).with_suffix(".sha256")

    def _folder(self, sha256: str) -> Path:
        return self.root / "contents" / sha256[:2] / sha256


def _safe(name: str) -> str:
    return re.sub(r"[^\w.-]", "_", name)[-120:].lstrip(".") or "content"
