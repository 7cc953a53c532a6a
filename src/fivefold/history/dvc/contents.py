"""Where a revision's file can be read: Git, the working tree, DVC's cache, a remote.

Nothing is used that isn't what the revision's ``dvc.lock`` vouches for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from fivefold.history.dvc.config import DvcConfig
from fivefold.history.dvc.content import ContentCache, is_content
from fivefold.history.dvc.lock import Hash
from fivefold.history.git.repository import Revision
from fivefold.history.reader import Reader

__all__ = ["Contents", "Found"]

Place = Literal["Git", "the working tree", "DVC's cache", "the remote"]


@dataclass(frozen=True)
class Found:
    """A revision's file.

    Attributes
    ----------
    path : str
        From DVC's root.
    source : Path, bytes or None
        What to read; None where it isn't at hand.
    place : str
        Where that lies.
    problem : str
        What isn't as it should be: why there is nothing to read, or what was passed over.
    fetchable : bool
        Whether ``--fetch`` may bring it.
    size : int or None
        Bytes, as far as they are known.
    """

    path: str
    source: Path | bytes | None = None
    place: Place | None = None
    problem: str = ""
    fetchable: bool = False
    size: int | None = None


class Contents:
    """Finds files of revisions, each content once.

    Parameters
    ----------
    reader : Reader
    fetch : bool, default=False
        Download what isn't at hand. A remote in a folder is read in any case: nothing is copied.
    """

    def __init__(self, reader: Reader, *, fetch: bool = False) -> None:
        self._reader = reader
        self._root = reader.repository.root
        self._fetch = fetch
        self._found: dict[tuple[str | None, str], Found] = {}

    @cached_property
    def _config(self) -> DvcConfig:
        return DvcConfig.of(self._root) if self._root else DvcConfig()

    @cached_property
    def _remote(self) -> ContentCache:
        return ContentCache(self._config.folder)

    def find(self, revision: Revision, path: str) -> Found:
        """Find one file of a revision, by its path from DVC's root."""
        key = (str(revision.commit.id) if revision.commit else None, path)
        if key not in self._found:
            self._found[key] = self._find(revision, path)
        return self._found[key]

    def _find(self, revision: Revision, path: str) -> Found:
        snapshot = self._reader.repository.snapshot(revision)
        content = self._reader.vouched(snapshot, path)
        if content is None or revision.commit is not None:
            blob = snapshot.blob(path)
            if blob is not None:
                data = snapshot.data(blob)
                if content is not None and content.path == path and not is_content(data, content):
                    return Found(path, problem=f"{path} is not what dvc.lock vouches for")
                return Found(path, data, "Git", size=len(data))
        if content is None:
            return Found(path, problem=f"no dvc.lock vouches for {path}")
        if content.path != path:
            inner = self.listing(content).get(path)
            if inner is None:
                return Found(path, problem=f"{path} is not in DVC's cache: dvc pull {content.path}")
            content = inner
        if content.value.endswith(".dir") or not content.algorithm.startswith("md5"):
            return Found(path, problem=f"{path} is not a file that DVC's cache keeps")
        return self._at_hand(content) or self._absent(content)

    def listing(self, content: Hash) -> dict[str, Hash]:
        """Give the files of a tracked folder by path; empty where its listing isn't at hand."""
        return self._reader.cache.listing(content) or self._remote.listing(content)

    def _at_hand(self, content: Hash) -> Found | None:
        problem = ""
        for place, candidate in self._candidates(content):
            if not candidate.is_file():
                continue
            if is_content(candidate, content):
                size = candidate.stat().st_size
                return Found(content.path, candidate, place, problem, size=size)
            # The working tree moves on; what the cache and a remote keep must not.
            if place != "the working tree":
                problem = f"{content.path} in {place} is not what was hashed: delete {candidate}"
        return Found(content.path, problem=problem) if problem else None

    def _candidates(self, content: Hash) -> Iterator[tuple[Place, Path]]:
        cached = self._reader.cache.path(content)
        if cached is not None:
            yield "DVC's cache", cached
        if self._root is not None:
            yield "the working tree", self._root / content.path
        remote = self._remote.path(content)
        if remote is not None:
            yield "the remote", remote

    def _absent(self, content: Hash) -> Found:
        where = f"{content.path} is not in DVC's cache"
        if not self._fetch or self._root is None:
            known = self._root is not None and self._config.url is not None
            return Found(content.path, problem=where, fetchable=known, size=content.size)
        from fivefold.history.dvc.fetch import fetch

        why = fetch(self._root, [content]) or "the remote doesn't have it: its author can dvc push"
        found = self._at_hand(content)
        return found or Found(content.path, problem=f"{where}, and {why}", size=content.size)
