"""A remote source, read as its pin says: from this machine's cache, else fetched and held to it.

A function that ``conf/`` names by ``_target_`` and that is decorated with :class:`RemoteSource` is
such a source; ``fivefold sources update`` asks each whether it changed. Your own can be one.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, ParamSpec, Protocol

from fivefold.data.sources.cache import Cache
from fivefold.data.sources.content import Reading
from fivefold.data.sources.download import Download, file_sha256
from fivefold.data.sources.formats import read_file
from fivefold.data.sources.options import FormatOptions
from fivefold.data.sources.pins import Pin, Snapshot, key_of, read_pins
from fivefold.data.sources.retries import Patience, patiently
from fivefold.errors import ConfigError, SourceError
from fivefold.table.progress import Say, bar

__all__ = ["Declared", "Remote", "RemoteSource"]

P = ParamSpec("P")


class Remote(Protocol):
    """Something out there that holds a table's bytes, or its rows."""

    @property
    def shown(self) -> str:
        """How messages and reports call it; no secret, no path of this machine."""

    @property
    def name(self) -> str:
        """A file name, which tells the format."""

    @property
    def patience(self) -> Patience:
        """How long to bear with it."""

    @property
    def of_bytes(self) -> bool:
        """Is a snapshot's SHA-256 of the file's bytes? Else it is of the rows."""

    def identity(self) -> dict[str, Any]:
        """Give what tells apart what is fetched."""

    def at(self, snapshot: Snapshot, /) -> Remote:
        """Give what fetches this very snapshot, where the remote keeps former ones; else itself."""

    def changed(self, known: Snapshot) -> bool | None:
        """Ask whether it holds something else; None where only fetching tells."""

    def fetch(self, part: Download, say: Say, /) -> Snapshot:
        """Receive the content into the part's file.

        Raises
        ------
        PassingError
            It is worth another attempt.
        """


@dataclass(frozen=True)
class Declared:
    """A remote source as ``conf/`` declares it.

    Attributes
    ----------
    remote : Remote
        What is fetched.
    options : FormatOptions
        How to read it.
    sha256 : str or None
        Declared in ``conf/``: then this very content is expected.
    """

    remote: Remote
    options: FormatOptions
    sha256: str | None = None

    def __post_init__(self) -> None:
        if self.sha256 is not None and (
            len(self.sha256) != 64 or set(self.sha256) - set("0123456789abcdef")
        ):
            raise ConfigError(
                "not a SHA-256",
                where="sha256",
                got=self.sha256,
                allowed="64 hexadecimal digits in lower case, as sha256sum prints them",
            )

    @property
    def key(self) -> str:
        """What tells apart what is fetched, in short."""
        return key_of(self.remote.identity())

    def changed(self, known: Snapshot) -> bool | None:
        """Ask the remote whether it holds something else; None where only fetching tells."""
        remote = self.remote
        return patiently(lambda: remote.changed(known), remote.shown, remote.patience)

    def latest(self, known: Snapshot | None, cache: Cache) -> Snapshot:
        """Give what the remote holds now, fetched unless it says that it is what is known."""
        if known is not None and self.changed(known) is False:
            return known
        found = self._fetched(self.remote, cache)
        self.require_declared(found)
        # A new ETag for the same bytes is no change.
        return known if known and known.sha256 == found.sha256 else found

    def read(self, root: Path) -> Reading:
        """Read the table, as pinned if it is.

        Raises
        ------
        SourceError
            The remote can't be read, or no longer holds what is pinned.
        """
        cache = Cache()
        name, pin = self._pin(root)
        if pin is not None:
            self.require_declared(pin.snapshot, name)
            snapshot = pin.snapshot
        else:
            snapshot = self._unpinned(cache)
        reading = self._held(snapshot, cache, name)
        loose = pin is None and self.sha256 is None
        warning = "not pinned, so another day or machine may read other rows"
        return replace(
            reading,
            file=self.remote.shown,
            sha256=snapshot.sha256,
            as_of=snapshot.as_of or reading.as_of,
            details={"pinned": not loose, **snapshot.marks, **reading.details},
            warnings=(
                *([f"{warning}: fivefold sources update"] if loose else []),
                *reading.warnings,
            ),
        )

    def require_declared(self, snapshot: Snapshot, name: str = "") -> None:
        """Refuse a content whose checksum is not the one in ``conf/``."""
        if self.sha256 is not None and snapshot.sha256 != self.sha256:
            raise SourceError(
                "the source is not the one whose checksum is declared",
                where=self.remote.shown,
                got=snapshot.sha256,
                allowed=self.sha256,
                hint=f"fivefold sources update {name}"
                if name
                else "mend sha256: in conf/, if the source may change; else ask who keeps it",
            )

    def _pin(self, root: Path) -> tuple[str, Pin | None]:
        found = ((name, pin) for name, pin in read_pins(root).items() if pin.key == self.key)
        return next(found, ("", None))

    def _unpinned(self, cache: Cache) -> Snapshot:
        if self.sha256 is not None and cache.find(self.sha256, self.remote.name):
            return Snapshot(self.sha256)
        known = cache.recall(self.key)
        if known is not None and cache.find(known.sha256, self.remote.name) is None:
            known = None
        return self.latest(known, cache)

    def _held(self, snapshot: Snapshot, cache: Cache, name: str) -> Reading:
        """Read a snapshot from the cache, which has it or gets it."""
        remote = self.remote
        path = cache.find(snapshot.sha256, remote.name)
        if path is not None:
            whole = snapshot.sha256 if remote.of_bytes else cache.sealed(snapshot.sha256)
            try:
                reading = read_file(path, remote.shown, self.options)
            except SourceError:
                if file_sha256(path) == whole:
                    raise
            else:
                if reading.sha256 == whole:
                    return reading
            # It is not what was fetched: a disk, or a person, has changed it.
            cache.drop(snapshot.sha256)
        found = self._fetched(remote.at(snapshot), cache)
        path = cache.find(snapshot.sha256, remote.name)
        if found.sha256 != snapshot.sha256 or path is None:
            raise SourceError(
                "the source no longer holds what is pinned, nor does this machine's cache",
                where=remote.shown,
                got=found.sha256,
                allowed=snapshot.sha256,
                hint=f"fivefold sources update {name}, and review what changes; "
                "or, for the tables as they were: dvc pull",
            )
        return read_file(path, remote.shown, self.options)

    def _fetched(self, remote: Remote, cache: Cache) -> Snapshot:
        # A bar of bytes; who fetches rows shows how many.
        label = f"fetch {remote.shown}" if remote.of_bytes else None
        with cache.fetching(self.key) as part, bar(label, "bytes") as say:
            found = patiently(lambda: remote.fetch(part, say), remote.shown, remote.patience)
            path = cache.adopt(part.path, found.sha256, remote.name)
            if not remote.of_bytes:
                cache.seal(path, found.sha256)
            cache.remember(self.key, found)
            return found


class RemoteSource(Generic[P]):
    """A function that ``conf/`` can name: called, it reads; asked, it tells what it would read.

    Parameters
    ----------
    declare : callable
        Takes what stands in ``conf/`` and gives what is declared by it, without asking the remote.
    """

    def __init__(self, declare: Callable[P, Declared]) -> None:
        self.declare = declare
        functools.update_wrapper(self, declare)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Reading:
        """Read the table in the project that is the working folder."""
        return self.declare(*args, **kwargs).read(Path())
