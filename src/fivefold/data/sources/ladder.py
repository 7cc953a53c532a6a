"""The narrowest type that all texts of a column have, found a block at a time.

The types form a ladder, tried from the bottom: nothing, integer, boolean, date, datetime, datetime
with a zone, number, string. A block of texts rules out the types that one of its texts is not of;
what is left after the last block does not depend on where the blocks were cut. A number that a
64-bit float would round, an integer past 2^53, is none: it stays an integer where all are, and a
string where they are not or it needs more than 64 bits.
"""

from __future__ import annotations

import re
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from fivefold.data.sources.survey import cuts_off

__all__ = ["Ladder", "rounded_integer"]

_INTEGER, _NUMBER, _BOOLEAN, _DATE = pa.int64(), pa.float64(), pa.bool_(), pa.date32()
_TIME, _TIME_NS = pa.timestamp("us"), pa.timestamp("ns")
_ZONED, _ZONED_NS = pa.timestamp("us", "UTC"), pa.timestamp("ns", "UTC")
_STRING = pa.string()
# In the order in which they are tried.
_STEPS = (
    pa.null(), _INTEGER, _BOOLEAN, _DATE, _TIME, _TIME_NS, _ZONED, _ZONED_NS, _NUMBER, _STRING
)  # fmt: skip
# What else texts of a type may be taken for, if their values allow it.
_WIDER: dict[Any, tuple[Any, ...]] = {
    _INTEGER: (_BOOLEAN, _NUMBER),
    _DATE: (_TIME, _TIME_NS),
    _TIME: (_TIME_NS,),
    _ZONED: (_ZONED_NS,),
}
_NUMERIC = (pa.null(), _INTEGER, _NUMBER)
_WHOLE = 2**53
_FEW = 20
_DIGITS = re.compile(r"\s*[+-]?[0-9]+\s*")
# Arrow's words for true and false in a CSV file.
_TRUTHS = "^[ \\t]*(0|1|true|false|True|False|TRUE|FALSE)[ \\t]*$"
_BITS = "^[ \\t]*[01][ \\t]*$"
# The range of a timestamp in nanoseconds, in microseconds.
_NS = (2**63 - 1) // 1000


class Ladder:
    """What the texts of one column may be.

    Parameters
    ----------
    times : bool
        Only dates and times are looked for.

    Attributes
    ----------
    fallen : tuple or None
        Where only string was left: the type before, the row from 0, and the text.
    rounded : bool
        Was it because a float would round that text, or an integer before it?
    infinite : int
        How many texts were read as infinite numbers.
    cut : bool
        Was a time given finer than to the microsecond?
    """

    def __init__(self, times: bool = False) -> None:
        steps = (step for step in _STEPS if not (times and step in (_INTEGER, _BOOLEAN, _NUMBER)))
        self._alive: frozenset[Any] = frozenset(steps)
        self._rows = 0
        self.fallen: tuple[pa.DataType, int, str] | None = None
        self.rounded = False
        self.infinite = 0
        self.cut = False

    @property
    def type(self) -> pa.DataType:
        """The narrowest type left."""
        return _lowest(self._alive)

    def see(self, texts: pa.Array) -> None:
        """Rule out what a block of texts is not; a missing one is of every type."""
        if self.fallen is None and texts.null_count < len(texts):
            kinds, values = _kinds(texts, self.type)
            left = self._alive & kinds
            if left == {_STRING}:
                self._fall(texts)
            elif _NUMBER in kinds and pa.types.is_floating(values.type):
                self.infinite += pc.sum(pc.is_inf(values)).as_py() or 0
            elif values.type in (_TIME_NS, _ZONED_NS):
                self.cut = self.cut or cuts_off(values)
            self._alive = left
        self._rows += len(texts)

    def _fall(self, texts: pa.Array) -> None:
        """Find the text at which only string was left."""
        low, high = 0, len(texts)
        while high - low > 1:
            middle = (low + high) // 2
            if self._after(texts.slice(0, middle)) == {_STRING}:
                high = middle
            else:
                low = middle
        before = _lowest(self._after(texts.slice(0, low)))
        self.fallen = (before, self._rows + low, texts[low].as_py())
        text = texts.slice(low, 1)
        self.rounded = before in _NUMERIC and _read(text, _NUMBER) is not None

    def _after(self, texts: pa.Array) -> frozenset[Any]:
        if texts.null_count == len(texts):
            return self._alive
        return self._alive & _kinds(texts, self.type)[0]


def _lowest(alive: frozenset[Any]) -> pa.DataType:
    return next(step for step in _STEPS if step in alive)


def rounded_integer(text: str) -> bool:
    """Tell whether a text is an integer that a 64-bit float can't hold."""
    if not _DIGITS.fullmatch(text):
        return False
    value = float(text)
    return abs(value) == float("inf") or int(text) != int(value)


def _kinds(texts: pa.Array, hint: pa.DataType) -> tuple[frozenset[Any], pa.Array]:
    """Give the types that all texts of a block are of, and the texts read as the narrowest.

    ``hint`` is tried first: what the column is so far. Types below it on the ladder may be left out
    of the answer, for they are ruled out already.
    """
    texts = texts.drop_null()
    for type_ in dict.fromkeys((hint, *_STEPS[1:-1])):
        values = _read(texts, type_)
        if values is not None and (type_ != _NUMBER or _holds(texts, values)):
            wider = {other for other in _WIDER.get(type_, ()) if _also(texts, values, other)}
            return frozenset({type_, _STRING, *wider}), values
    return frozenset({_STRING}), texts


def _read(texts: pa.Array, type_: pa.DataType) -> Any:
    """Read texts as a type as Arrow reads a CSV file, or give None."""
    if pa.types.is_null(type_) or type_ == _STRING:
        return None
    if type_ == _BOOLEAN:
        return texts if pc.all(pc.match_substring_regex(texts, _TRUTHS)).as_py() else None
    # A cast that fails makes an error of every text that does not fit, and so is slow: a misfit
    # mostly shows in the first few.
    if len(texts) > _FEW and _cast(texts.slice(0, _FEW), type_) is None:
        return None
    return _cast(texts, type_)


def _cast(texts: pa.Array, type_: pa.DataType) -> Any:
    try:
        return texts.cast(type_)
    except pa.ArrowInvalid:
        pass
    try:
        return pc.utf8_trim(texts, characters=" \t").cast(type_)
    except pa.ArrowInvalid:
        return None


def _holds(texts: pa.Array, values: pa.Array) -> bool:
    """Tell whether no text is an integer that became another one as a float."""
    # Looked at first, for Arrow imports pandas where it compares with a number of Python's.
    largest = pc.max(pc.abs(values)).as_py()
    if largest is None or not largest >= _WHOLE:
        return True
    large = pc.greater_equal(pc.abs(values), float(_WHOLE))
    return not any(rounded_integer(text) for text in pc.unique(texts.filter(large)).to_pylist())


def _may_be_hexadecimal(texts: pa.Array) -> bool:
    """Tell whether an x is anywhere near: Arrow reads 0x1F as an integer, and as no number."""
    data = texts.buffers()[2]
    return data is not None and b"x" in data.to_pybytes().lower()


def _also(texts: pa.Array, values: Any, type_: pa.DataType) -> bool:
    """Tell whether texts that were read as one type are of a wider one, too."""
    if type_ == _BOOLEAN:
        return bool(pc.all(pc.match_substring_regex(texts, _BITS)).as_py())
    if type_ == _NUMBER:
        if _may_be_hexadecimal(texts) and _cast(texts, _NUMBER) is None:
            return False
        ends = pc.min_max(values).as_py()
        if ends["min"] >= -_WHOLE and ends["max"] <= _WHOLE:
            return True
        return not any(int(float(value)) != value for value in pc.unique(values).to_pylist())
    if type_ in (_TIME_NS, _ZONED_NS):
        ends = pc.min_max(values.cast(_TIME if type_ == _TIME_NS else _ZONED).cast(pa.int64()))
        return bool(ends["min"].as_py() >= -_NS and ends["max"].as_py() <= _NS)
    return True
