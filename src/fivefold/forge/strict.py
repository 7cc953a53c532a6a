"""JSON that a stranger wrote, taken apart without trust: every value has a type and a bound."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Never

from fivefold.errors import ArtifactError

__all__ = ["Field", "read_json"]

_SHOWN = 60


def read_json(folder: Path, name: str, *, most: int) -> Field:
    """Read a JSON file of a folder that a stranger filled.

    Parameters
    ----------
    folder : Path
    name : str
        The file's name within; never a path.
    most : int
        The most bytes that it may have.

    Raises
    ------
    ArtifactError
        Where the folder or the file is missing or a symbolic link, the file is no regular file,
        has more bytes, or is no JSON in UTF-8.
    """
    text = _read(folder, name, most)

    def refuse(constant: str) -> Never:
        raise ValueError(f"{constant} is no JSON")

    try:
        value = json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError):
        # Its own words would quote the stranger's.
        raise ArtifactError("the file is no JSON", where=str(folder / name)) from None
    return Field(value, name)


def _read(folder: Path, name: str, most: int) -> str:
    where = str(folder / name)
    # A link would let the artifact show any file that this job can read; a pipe would hang it.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        if folder.is_symlink() or (folder / name).is_symlink():
            raise ArtifactError("a symbolic link is not read", where=where)
        handle = os.open(folder / name, flags)
    except FileNotFoundError:
        raise ArtifactError(
            "the artifact lacks a file",
            where=where,
            hint="download what `fivefold pr report` wrote",
        ) from None
    except OSError as error:
        raise ArtifactError(
            "the file can't be read", where=where, got=str(error.strerror)
        ) from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise ArtifactError("not a regular file", where=where)
    with os.fdopen(handle, "rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise ArtifactError("the file is too large", where=where, allowed=f"{most:,} bytes")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise ArtifactError("the file is not UTF-8", where=where) from None


class Field:
    """A value of a JSON document, and where it stands; read by saying what it has to be.

    Parameters
    ----------
    value : object
    where : str
    """

    def __init__(self, value: Any, where: str) -> None:
        self._value = value
        self._where = where

    def __getitem__(self, key: str) -> Field:
        """Give a mapping's value; a key that isn't there gives a null. Other keys are not seen."""
        if not isinstance(self._value, Mapping):
            self.refuse("a mapping")
        return Field(self._value.get(key), f"{self._where}: {key}")

    @property
    def is_null(self) -> bool:
        """Whether nothing is there."""
        return self._value is None

    def items(self, most: int) -> Iterator[Field]:
        """Give a list's values, of which there may be so many."""
        if not isinstance(self._value, list) or len(self._value) > most:
            self.refuse(f"a list of at most {most:,}")
        for place, value in enumerate(self._value):
            yield Field(value, f"{self._where}[{place}]")

    def text(self, most: int) -> str:
        """Give a text of at most so many characters, all of which UTF-8 can hold."""
        value = self._value
        if not isinstance(value, str) or len(value) > most or not _encodable(value):
            self.refuse(f"a text of at most {most:,} characters")
        return str(value)

    def matching(self, form: Any, meaning: str) -> str:
        """Give a text that a compiled pattern matches as a whole."""
        if not isinstance(self._value, str) or not form.fullmatch(self._value):
            self.refuse(meaning)
        return str(self._value)

    def whole(self, least: int, most: int) -> int:
        """Give an integer within bounds; ``true`` is none."""
        value = self._value
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            self.refuse(f"an integer from {least:,} to {most:,}")
        return int(value)

    def flag(self) -> bool:
        """Give true or false."""
        if not isinstance(self._value, bool):
            self.refuse("true or false")
        return bool(self._value)

    def refuse(self, allowed: str) -> Never:
        """Say what was expected; the stranger's value is shown so that it can do no harm.

        Raises
        ------
        ArtifactError
        """
        # In a log a line that begins with two colons is an order to the runner.
        shown = json.dumps(self._value)[: _SHOWN + 1] if _is_plain(self._value) else None
        if shown and len(shown) > _SHOWN:
            shown = f"{shown[:_SHOWN]}…"
        kind = "a list" if isinstance(self._value, list) else "a mapping"
        raise ArtifactError(
            "the artifact is not what a report writes",
            where=self._where,
            got=shown or kind,
            allowed=allowed,
        )


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, (str, int, float, bool))


def _encodable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
