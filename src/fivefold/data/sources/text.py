"""A text source's encoding, and the lines that a message points at."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from fivefold.data.sources.content import Content
from fivefold.errors import ConfigError, SourceError

__all__ = ["misencoded", "opened_text", "records", "require_codec"]

_BOM_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_CHUNK = 1 << 20


def require_codec(encoding: str) -> str:
    """Give Python's name of an encoding.

    Raises
    ------
    ConfigError
        Python knows no such encoding of text.
    """
    try:
        codec = codecs.lookup(encoding)
        if not getattr(codec, "_is_text_encoding", True):
            raise LookupError
    except LookupError:
        raise ConfigError(
            "the encoding is unknown",
            where="encoding",
            got=encoding,
            allowed="a codec of Python, such as utf-8, cp1252, latin-1, utf-16",
        ) from None
    return codec.name


@contextmanager
def opened_text(content: Content, encoding: str) -> Iterator[Any]:
    """Open a text source as a stream of UTF-8 without a byte order mark.

    Reading from it raises UnicodeDecodeError where another encoding is broken; UTF-8 is passed on
    as it is.
    """
    codec = require_codec(encoding)
    with content.opened() as stream:
        if codec not in ("utf-8", "utf-8-sig"):
            native = stream if isinstance(stream, pa.NativeFile) else pa.PythonFile(stream, "r")
            stream = pa.transcoding_input_stream(native, codec, "utf-8")
        yield stream


def misencoded(content: Content, encoding: str) -> SourceError | None:
    """Find the first byte that is not of the encoding, and say where it is; None if all are."""
    codec = require_codec(encoding)
    decoder = codecs.getincrementaldecoder(codec)()
    line, offset, start, plain = 1, 0, b"", True
    with content.opened() as stream:
        while True:
            chunk = stream.read(_CHUNK)
            start = start or chunk[:2]
            held = len(decoder.getstate()[0])
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                before = error.object[: error.start].decode(codec, "ignore")
                line += before.count("\n")
                plain = plain and before.isascii()
                return _wrong_byte(
                    encoding,
                    f"{content.shown}:{line}",
                    error.object[error.start],
                    offset - held + error.start,
                    "utf-16" if start in _BOM_16 else None,
                    plain or codec != "utf-8",
                )
            except UnicodeError as error:  # no byte order mark where there must be one
                return SourceError(
                    f"the file is not encoded in {encoding}: {error}", where=content.shown
                )
            line += text.count("\n")
            plain = plain and text.isascii()
            offset += len(chunk)
            if not chunk:
                return None


def _wrong_byte(
    encoding: str, where: str, byte: int, offset: int, guess: str | None, plain: bool
) -> SourceError:
    if plain:
        hint = (
            f"set encoding: to what it is in, such as {guess or 'cp1252 (Western Windows)'}, "
            "or save it as UTF-8"
        )
    else:
        hint = (
            f"what stands before is {encoding}, so the file seems to mix encodings: mend this "
            "line, and those like it"
        )
    return SourceError(
        f"the file is not encoded in {encoding}",
        where=where,
        got=f"byte 0x{byte:02x} at offset {offset:,}",
        hint=hint,
    )


def records(
    content: Content, encoding: str, delimiter: str
) -> Iterator[tuple[int, int, list[str]]]:
    """Give each record of delimited text with the lines, from 1, that it starts and ends on.

    Slow, and so used on the first line and to find what is wrong only.
    """
    # Fields longer than csv's default of 128 kB are for Arrow to judge.
    csv.field_size_limit(2**31 - 1)
    with opened_text(content, encoding) as stream:
        lines = io.TextIOWrapper(io.BufferedReader(stream), encoding="utf-8-sig", newline="")
        reader = csv.reader(lines, delimiter=delimiter)
        start = 1
        for record in reader:
            if record:
                yield start, reader.line_num, record
            start = reader.line_num + 1
