"""A source's bytes: hashed as they are kept, decompressed as they are read, never held whole."""

from __future__ import annotations

import hashlib
import lzma
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa

from fivefold.errors import SourceError
from fivefold.table.rows import Rows

__all__ = ["Content", "Reading", "open_content"]

# The suffixes of the compressions that Arrow reads; zip and xz are Python's.
_CODECS = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd", ".lz4": "lz4"}
_CHUNK = 1 << 20
# What reading broken compressed data raises.
_BROKEN = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, pa.ArrowInvalid)


@dataclass(frozen=True)
class Reading:
    """A table and the bytes it came from.

    Attributes
    ----------
    rows : Rows
        All rows, in the source's order.
    file : str
        The source's name: a path in the project or in a package, a URL without its credentials;
        never an absolute path.
    sha256 : str
        Of the source's bytes as they are kept, before decompression.
    as_of : str or None
        The moment that the source's rows are of, where it tells one; ISO 8601.
    details : dict
        What else the report says of this source: the revision of a snapshot, say.
    warnings : tuple of str
        What a person should look at.
    surveyed : bool
        Has the reader counted the rows and looked at their values already? Else it is done next.
    """

    rows: Rows
    file: str
    sha256: str
    as_of: str | None = None
    details: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    surveyed: bool = False


@dataclass(frozen=True)
class Content:
    """A file whose bytes are known by their hash, and read as often as it takes.

    Attributes
    ----------
    path : Path
        Where it is.
    shown : str
        How messages and reports call the file.
    name : str
        The file's name without the suffix of its compression.
    sha256 : str
        Of the bytes as they are kept.
    state : tuple of int
        Size in bytes and time of modification when it was hashed.
    """

    path: Path
    shown: str
    name: str
    sha256: str
    state: tuple[int, int]

    @contextmanager
    def opened(self) -> Iterator[Any]:
        """Open the decompressed bytes as a binary stream.

        Raises
        ------
        SourceError
            The compressed data is broken, or the file is not what it was when it was hashed; on
            leaving, so that what was read till then is not kept.
        """
        with ExitStack() as stack:
            try:
                yield _stream(self.path, self.shown, stack)
            except (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile) as error:
                raise _unreadable(self.path, self.shown, error) from None
        self.require_unchanged()

    def require_unchanged(self) -> None:
        """Refuse a file that was written to since it was hashed."""
        now = _state(os.stat(self.path))
        if now != self.state:
            raise SourceError(
                "the file changed while it was read",
                where=self.shown,
                got=f"{self.state[0]:,} bytes at first, now {now[0]:,}"
                if now[0] != self.state[0]
                else "as many bytes, written anew",
                hint="wait until it is whole, or copy it, then dvc repro collect",
            )


def open_content(path: Path, shown: str) -> Content:
    """Hash a file, and see that its decompressed bytes can be read.

    Raises
    ------
    SourceError
        The file is empty, can't be read, or its compression is broken.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            state = _state(os.fstat(file.fileno()))
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise SourceError(
            f"the file can't be read: {error.strerror or error}", where=shown
        ) from None
    if state[0] == 0:
        raise SourceError("the file is empty", where=shown, got="0 bytes")
    with ExitStack() as stack:
        try:
            name = _inner_name(path, shown)
            first = _stream(path, shown, stack).read(1)
        except _BROKEN as error:
            raise _unreadable(path, shown, error) from None
    if not first:
        raise SourceError("the file is empty", where=shown, got="0 bytes, decompressed")
    content = Content(path, shown, name, digest.hexdigest(), state)
    content.require_unchanged()
    return content


def _state(known: os.stat_result) -> tuple[int, int]:
    return known.st_size, known.st_mtime_ns


def _inner_name(path: Path, shown: str) -> str:
    suffix = path.suffix.lower()
    if suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            return PurePosixPath(_member(archive, shown).filename).name
    return path.stem if suffix in _CODECS or suffix == ".xz" else path.name


def _stream(path: Path, shown: str, stack: ExitStack) -> Any:
    """Open what the file's name says it is, decompressed."""
    suffix = path.suffix.lower()
    if suffix == ".zip":
        archive = stack.enter_context(zipfile.ZipFile(path))
        try:
            return stack.enter_context(archive.open(_member(archive, shown)))
        except (NotImplementedError, RuntimeError) as error:
            raise _unreadable(path, shown, error) from None
    if suffix == ".xz":
        return stack.enter_context(lzma.open(path))
    kept = stack.enter_context(pa.OSFile(str(path)))
    if suffix in _CODECS:
        return stack.enter_context(pa.CompressedInputStream(kept, _CODECS[suffix]))
    return kept


def _member(archive: zipfile.ZipFile, shown: str) -> zipfile.ZipInfo:
    members = [item for item in archive.infolist() if not item.is_dir()]
    if len(members) != 1:
        raise SourceError(
            "a zip file must hold exactly one file",
            where=shown,
            got=", ".join(item.filename for item in members) or "none",
            hint="unpack it, and declare a source for each file",
        )
    return members[0]


def _unreadable(path: Path, shown: str, error: Exception) -> SourceError:
    codec = {".zip": "a zip file", ".xz": "xz data", **{k: f"{v} data" for k, v in _CODECS.items()}}
    kind = codec.get(path.suffix.lower())
    what = f"not {kind} that can be read" if kind else "the file can't be read"
    return SourceError(f"{what}: {error}", where=shown)
