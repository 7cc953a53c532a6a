"""A text source's bytes as UTF-8, and the lines that a message points at."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator

from fivefold.data.sources.content import Content
from fivefold.errors import ConfigError, SourceError

__all__ = ["decoded", "records"]

_BOM_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def decoded(content: Content, encoding: str) -> bytes:
    """Give a text source's bytes as UTF-8 without a byte order mark.

    Raises
    ------
    SourceError
        The bytes are not of the encoding; the message says where.
    ConfigError
        Python knows no such encoding.
    """
    try:
        codec = codecs.lookup(encoding).name
    except LookupError:
        raise ConfigError(
            "the encoding is unknown",
            where="encoding",
            got=encoding,
            allowed="a codec of Python, such as utf-8, cp1252, latin-1, utf-16",
        ) from None
    try:
        text = content.data.decode(codec)
    except UnicodeDecodeError as error:
        line = content.data.count(b"\n", 0, error.start) + 1
        guess = "utf-16" if content.data.startswith(_BOM_16) else "cp1252 (Western Windows)"
        raise SourceError(
            f"the file is not encoded in {encoding}",
            where=f"{content.shown}:{line}",
            got=f"byte 0x{content.data[error.start]:02x} at offset {error.start:,}",
            hint=f"set encoding: to what it is in, such as {guess}, or save it as UTF-8",
        ) from None
    if codec == "utf-8":
        return content.data.removeprefix(codecs.BOM_UTF8)
    return text.removeprefix("\ufeff").encode()


def records(text: bytes, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Give each record of delimited text with the line, from 1, that it starts on.

    Slow, and so used on the first line and to find what is wrong only.
    """
    # Fields longer than csv's default of 128 kB are for Arrow to judge.
    csv.field_size_limit(2**31 - 1)
    lines = io.TextIOWrapper(io.BytesIO(text), encoding="utf-8", newline="")
    reader = csv.reader(lines, delimiter=delimiter)
    start = 1
    for record in reader:
        if record:
            yield start, record
        start = reader.line_num + 1
