"""Blocks of lines, each a JSON object, and what is wrong with one."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.json

from fivefold.errors import SourceError

__all__ = ["Block", "Lines"]

_BLOCK = 8 << 20
# What a line of an object has not: it starts with something else, or a null follows it. Arrow's
# reader does not survive a null that stands where an object should.
_STRAY = re.compile(rb"\n[ \t\r]*[^ \t\r\n{]|\}\s*null")


@dataclass(frozen=True)
class Lines:
    """Records, one a line.

    Attributes
    ----------
    shown : str
        How messages call where they are from.
    unit : str
        What stands between that and the number of a line.
    opened : callable
        Open them as a binary stream of UTF-8.
    misencoded : callable
        Find the byte that is not of the encoding.
    """

    shown: str
    unit: str
    opened: Callable[[], AbstractContextManager[Any]]
    misencoded: Callable[[], SourceError | None]

    def blocks(self) -> Iterator[Block]:
        """Give whole lines, some megabytes at a time."""
        line, rest = 1, b""
        try:
            with self.opened() as stream:
                while chunk := stream.read(_BLOCK):
                    whole, newline, after = chunk.rpartition(b"\n")
                    if not newline:
                        rest += chunk
                        continue
                    block = rest + whole + newline
                    block.decode()  # Arrow does not look whether a text is UTF-8
                    yield Block(self, line, block)
                    line, rest = line + block.count(b"\n"), after
            rest.decode()
            if rest:
                yield Block(self, line, rest)
        except UnicodeError:
            raise self.misencoded() or SourceError("not text", where=self.shown) from None

    def at(self, line: int) -> str:
        """Name a line."""
        return f"{self.shown}{self.unit}{line}"


@dataclass(frozen=True)
class Block:
    """Some lines.

    Attributes
    ----------
    lines : Lines
        What they are of.
    first : int
        The first one's number, from 1.
    data : bytes
        UTF-8.
    """

    lines: Lines
    first: int
    data: bytes

    def table(self, texts: set[str], schema: pa.Schema | None = None) -> pa.Table:
        """Read the records as a table.

        Parameters
        ----------
        texts : set of str
            The columns that `schema` has as text; values of other kinds are given as JSON.
        schema : pyarrow.Schema, optional
            Of all blocks; inferred from this one if not given.

        Raises
        ------
        SourceError
            A line is no object, or a key has values of different kinds.
        """
        if not _STRAY.search(b"\n" + self.data):
            try:
                return _parsed(self.data, schema)
            except pa.ArrowInvalid as error:
                if not texts:
                    raise self._wrong(str(error)) from None
        rewritten = "".join(
            json.dumps({k: _text(v) if k in texts else v for k, v in record.items()}) + "\n"
            for _, record in self.records()
        )
        try:
            return _parsed(rewritten.encode(), schema)
        except pa.ArrowInvalid as error:
            raise self._wrong(str(error)) from None

    def records(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Give the records as Python's values, with their lines; blank lines are none."""
        for line, text in enumerate(self.data.split(b"\n"), self.first):
            if not text.strip():
                continue
            where = self.lines.at(line)
            try:
                record = json.loads(text)
            except (ValueError, RecursionError) as error:
                raise SourceError(f"not JSON lines: {error}", where=where) from None
            if not isinstance(record, dict):
                got = text[:60].decode(errors="replace")
                raise SourceError("not JSON lines", where=where, got=got, allowed="an object")
            yield line, record

    def _wrong(self, message: str) -> SourceError:
        """Word Arrow's message, with the line."""
        head = message.splitlines()[0]
        row = re.search(r"in row (\d+)", head)
        name = re.search(r"Column\(/([^/)]+)\) changed", head)
        lines = enumerate(self.data.split(b"\n"), self.first)
        filled = [line for line, text in lines if text.strip()]
        known = row is not None and int(row[1]) < len(filled)
        return SourceError(
            f"not JSON lines: {head}",
            where=self.lines.at(filled[int(row[1])]) if row and known else self.lines.shown,
            allowed="one JSON object a line, with the same kind of value under a key in each",
            hint=f"mend the value, or set types.{name[1]}: string" if name else None,
        )


def _parsed(data: bytes, schema: pa.Schema | None) -> pa.Table:
    return pa.json.read_json(
        pa.BufferReader(data),
        # In one piece, so that Arrow sees every value before it settles a type.
        read_options=pa.json.ReadOptions(block_size=len(data) + 1),
        parse_options=pa.json.ParseOptions(explicit_schema=schema),
    )


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)
