"""DVC's cache on this machine: the content of outs that Git doesn't keep, by hash."""

from __future__ import annotations

import hashlib
import json
import posixpath
from pathlib import Path

import pygit2

from fivefold.history.dvc.config import DvcConfig
from fivefold.history.dvc.lock import Hash

__all__ = ["ContentCache", "is_content"]

_CHUNK = 2**20


class ContentCache:
    """DVC's local cache, or a remote in a folder, which is laid out alike.

    Parameters
    ----------
    folder : Path or None
        Where it is; None where there can't be one (a bare repository).
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder

    @classmethod
    def of(cls, git: pygit2.Repository, root: Path | None) -> ContentCache:
        """Find the cache of the repository at DVC's root, as its settings say."""
        if root is None:
            return cls(None)
        folder = DvcConfig.of(root).cache or root / ".dvc" / "cache"
        shared = Path(git.path) / "commondir"
        if not folder.exists() and shared.is_file():
            # A linked worktree has no cache of its own until DVC runs in it.
            main = (shared.parent / shared.read_text().strip()).resolve()
            beside = main.parent / ".dvc" / "cache"
            folder = beside if beside.exists() else folder
        return cls(folder)

    def path(self, content: Hash) -> Path | None:
        """Give where the cache keeps a content, or None where it can't keep it."""
        if self.folder is None or len(content.value) < 3:
            return None
        tail = Path(content.value[:2]) / content.value[2:]
        if content.algorithm == "md5":
            return self.folder / "files" / "md5" / tail
        return self.folder / tail if content.algorithm == "md5-dos2unix" else None

    def read(self, content: Hash) -> bytes | None:
        """Give the bytes of a content, or None where the cache doesn't have it as it was."""
        path = self.path(content)
        try:
            data = None if path is None else path.read_bytes()
        except OSError:
            return None
        return data if data is not None and is_content(data, content) else None

    def is_damaged(self, content: Hash) -> bool:
        """Tell whether the cache has something under a content's hash that has another."""
        path = self.path(content)
        return path is not None and path.is_file() and not is_content(path, content)

    def listing(self, content: Hash) -> dict[str, Hash]:
        """Give the files of a cached folder by path; empty where the cache doesn't have it."""
        data = self.read(content) if content.value.endswith(".dir") else None
        try:
            entries = json.loads(data) if data is not None else []
            found = (
                Hash(
                    posixpath.join(content.path, entry["relpath"]),
                    entry["md5"],
                    content.algorithm,
                )
                for entry in entries
            )
            return {item.path: item for item in found}
        except (ValueError, KeyError, TypeError):
            return {}


def is_content(source: Path | bytes, content: Hash) -> bool:
    """Tell whether bytes, or those of a file, are what was hashed.

    DVC checks what it downloads, but not what lies in the cache: a byte that a disk or an editor
    changed there would be read, and judged, without a word.
    """
    wanted = content.value.removesuffix(".dir")
    digest = hashlib.md5(usedforsecurity=False)
    if isinstance(source, bytes):
        digest.update(source)
    else:
        try:
            with source.open("rb") as file:
                while chunk := file.read(_CHUNK):
                    digest.update(chunk)
        except OSError:
            return False
    if digest.hexdigest() == wanted:
        return True
    if content.algorithm != "md5-dos2unix":
        return False
    # DVC before 3.0 took a text's line ends for Unix ones.
    data = source if isinstance(source, bytes) else source.read_bytes()
    text = data.replace(b"\r\n", b"\n")
    return hashlib.md5(text, usedforsecurity=False).hexdigest() == wanted
