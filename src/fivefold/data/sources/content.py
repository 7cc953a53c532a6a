"""A source's bytes: read once, hashed as they are, decompressed by the file's name."""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from fivefold.errors import SourceError
from fivefold.table.rows import Rows

__all__ = ["Content", "Reading", "read_content"]

# The suffixes that Arrow or zipfile can decompress.
COMPRESSIONS = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd", ".lz4": "lz4"}


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
    """A source's bytes.

    Attributes
    ----------
    data : bytes
        Decompressed.
    name : str
        The file's name without the suffix of its compression.
    shown : str
        How messages and reports call the file.
    sha256 : str
        Of the bytes as they are kept.
    """

    data: bytes
    name: str
    shown: str
    sha256: str


def read_content(path: Path, shown: str) -> Content:
    """Read and decompress a file.

    Raises
    ------
    SourceError
        The file is empty, can't be read, or its compression is broken.
    """
    try:
        kept = path.read_bytes()
    except OSError as error:
        raise SourceError(
            f"the file can't be read: {error.strerror or error}", where=shown
        ) from None
    if not kept:
        raise SourceError("the file is empty", where=shown, got="0 bytes")
    digest = hashlib.sha256(kept).hexdigest()
    suffix = path.suffix.lower()
    if suffix == ".zip":
        name, data = _unzipped(kept, shown)
    elif suffix in COMPRESSIONS:
        name, data = path.stem, _decompressed(kept, COMPRESSIONS[suffix], shown)
    else:
        name, data = path.name, kept
    if not data:
        raise SourceError("the file is empty", where=shown, got="0 bytes, decompressed")
    return Content(data, name, shown, digest)


def _unzipped(kept: bytes, shown: str) -> tuple[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(kept)) as archive:
            members = [item for item in archive.infolist() if not item.is_dir()]
            if len(members) != 1:
                raise SourceError(
                    "a zip file must hold exactly one file",
                    where=shown,
                    got=", ".join(item.filename for item in members) or "none",
                    hint="unpack it, and declare a source for each file",
                )
            return Path(members[0].filename).name, archive.read(members[0])
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise SourceError(f"not a zip file that can be read: {error}", where=shown) from None


def _decompressed(kept: bytes, codec: str, shown: str) -> bytes:
    try:
        with pa.CompressedInputStream(pa.BufferReader(kept), codec) as stream:
            data: bytes = stream.read()
    except (OSError, pa.ArrowInvalid) as error:
        raise SourceError(f"not {codec} data that can be read: {error}", where=shown) from None
    return data
