"""YAML parsed block by block, each block once.

From one commit to the next a lock or params file changes in a few lines, and parsing it all anew is
most of what looking into a run takes. A block mapping is cut at its keys, down to pieces of a few
lines, and a piece that was seen before is not parsed again. Whatever isn't plainly such a mapping
(anchors across pieces, several documents, odd keys, errors) is left to the parser as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

import yaml

__all__ = ["Blocks"]

# A plain key that stands alone or has its value behind it.
_KEY = re.compile(r"([A-Za-z_][\w@./-]*):(?= |\n|\Z)")
_ITEM = re.compile(r"-(?: |\n|\Z)")
# A line that is neither blank nor a comment.
_FIRST = re.compile(r"^( *+)(?=[^ \n#])", re.MULTILINE)
# Also an anchor, which may stand once in a document, whatever pieces it is cut into.
_LEFT_ALONE = re.compile("[\r\x85\u2028\u2029\ufeff\t]|(?:^|[\\s,\\[{])&\\w", re.MULTILINE)
_SMALL = 400
_KEPT = 20_000


class _Odd(Exception):  # noqa: N818  no error: the text goes to the parser as a whole
    """The text isn't what can be cut."""


class Blocks:
    """Parses texts that have most of their blocks in common.

    Parameters
    ----------
    load : callable
        The parser of a whole text.
    """

    def __init__(self, load: Callable[[str], Any]) -> None:
        self._load = load
        self._known: dict[str, tuple[str, Any]] = {}

    def parse(self, text: str) -> Any:
        """Give what `load` gives; parts of it may be the same objects as in an earlier result.

        Raises
        ------
        yaml.YAMLError
            As `load` raises it, for the whole text.
        """
        if len(text) > _SMALL and not _LEFT_ALONE.search(text):
            try:
                return self._mapping(text)
            except (_Odd, yaml.YAMLError, ValueError, RecursionError):
                pass
        return self._load(text)

    def _mapping(self, text: str) -> dict[str, Any]:
        first = _FIRST.search(text)
        if first is None:
            raise _Odd
        width = len(first[1])
        starts = []
        for line in _shallow(width).finditer(text):
            if len(line[1]) < width:
                raise _Odd
            if _KEY.match(text, line.end()):
                starts.append(line.start())
            elif not _ITEM.match(text, line.end()):
                # A list may stand as deep as its key; nothing else may.
                raise _Odd
        if not starts or starts[0] != first.start():
            raise _Odd
        values: dict[str, Any] = {}
        for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
            key, value = self._entry(text[start:end], width)
            values[key] = value
        return values

    def _entry(self, text: str, width: int) -> tuple[str, Any]:
        if text in self._known:
            return self._known[text]
        match = _KEY.match(text, width)
        assert match is not None  # noqa: S101  what cut the text found it
        key = match[1]
        below = None
        if len(text) > _SMALL and text.startswith("\n", match.end()):
            below = _FIRST.search(text, match.end() + 1)
        if below and len(below[1]) > width and _KEY.match(text, below.end()):
            if self._load(f"{key}:") != {key: None}:
                raise _Odd
            value: Any = self._mapping(text[match.end() + 1 :])
        else:
            whole = self._load(text)
            if not isinstance(whole, dict) or list(whole) != [key]:
                raise _Odd
            value = whole[key]
        if len(self._known) >= _KEPT:
            self._known.clear()
        self._known[text] = key, value
        return key, value


@cache
def _shallow(width: int) -> re.Pattern[str]:
    """Find lines that are no deeper than this, neither blank nor comments."""
    return re.compile(rf"^( {{0,{width}}}+)(?=[^ \n#])", re.MULTILINE)
