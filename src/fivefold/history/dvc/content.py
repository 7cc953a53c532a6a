"""DVC's cache on this machine: the content of outs that Git doesn't keep, by hash."""

from __future__ import annotations

import configparser
import json
import posixpath
from pathlib import Path

import pygit2

from fivefold.history.dvc.lock import Hash

__all__ = ["ContentCache"]


class ContentCache:
    """DVC's local cache.

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
        own = root / ".dvc"
        folder = own / "cache"
        for name in ("config", "config.local"):
            settings = configparser.ConfigParser(interpolation=None)
            try:
                settings.read(own / name, encoding="utf-8")
            except (configparser.Error, UnicodeDecodeError):
                continue
            set_there = settings.get("cache", "dir", fallback=None)
            if set_there:
                folder = own / Path(set_there.strip("'\"")).expanduser()
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
        """Give the bytes of a content, or None where the cache doesn't have it."""
        path = self.path(content)
        try:
            return None if path is None else path.read_bytes()
        except OSError:
            return None

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
