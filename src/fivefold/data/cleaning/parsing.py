"""Numbers and dates out of texts, by a declared format."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from typing import Any

import narwhals as nw
import pyarrow as pa

from fivefold.data.cleaning.text import changed
from fivefold.data.columns import require_dtype, require_listed
from fivefold.data.effects import effect
from fivefold.data.keys import count_rows
from fivefold.data.values import dtype_name, rows_of
from fivefold.errors import ConfigError, DataError
from fivefold.table import to_arrow

__all__ = ["parse_dates", "parse_numbers"]

_NUMBER = r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?$"
_WHOLE = r"^[+-]?[0-9]{1,18}$"
_INVALID = ("error", "missing")
_EPOCH = datetime.datetime(1970, 1, 1)
_PLAIN = "__plain"


@effect(cells="columns")
def parse_numbers(
    table: nw.LazyFrame[Any],
    columns: Sequence[str],
    decimal: str = ".",
    thousands: str = "",
    type: str = "number",  # noqa: A002 - the word of the schema
    invalid: str = "error",
) -> nw.LazyFrame[Any]:
    """Read texts as numbers; a column of numbers stays as it is.

    Parameters
    ----------
    table : narwhals.LazyFrame
        The rows.
    columns : sequence of str
        Which.
    decimal, thousands : str
        What stands before the fraction, and between the thousands: "," and "." in 1.234,5.
    type : {"number", "integer"}
        What they become; an integer has 18 digits at most.
    invalid : {"error", "missing"}
        What a text becomes that is no number; one of white space alone is missing.

    Raises
    ------
    DataError
        A text is no number, and ``invalid`` is "error".
    """
    require_listed(table, columns)
    _require_known(type, "type", ("number", "integer"))
    _require_known(invalid, "invalid", _INVALID)
    if decimal == thousands or len(decimal) != 1 or len(thousands) > 1:
        raise ConfigError(
            "the marks of a number must be two different characters",
            where="decimal, thousands", got=f"{decimal!r} and {thousands!r}",
        )  # fmt: skip
    schema = table.collect_schema()
    pattern, wanted = (_NUMBER, nw.Float64) if type == "number" else (_WHOLE, nw.Int64)
    for name in columns:
        require_dtype(table, name, ("string", "integer", "number"), "columns")
        if dtype_name(schema[name]) != "string":
            continue
        text = nw.col(name).str.strip_chars(" \t\n\r\u00a0")
        if thousands:
            text = text.str.replace_all(thousands, "", literal=True)
        if decimal != ".":
            # A point is then no mark of a number, and must not pass for one.
            text = text.str.replace_all(".", "?", literal=True)
            text = text.str.replace_all(decimal, ".", literal=True)
        # Only texts that are sure to be numbers reach the engine's own reader, which would raise.
        plain = table.with_columns(text.alias(_PLAIN))
        fits = nw.col(_PLAIN).str.contains(pattern)
        if invalid == "error":
            wrong = plain.filter((nw.col(_PLAIN) != "") & ~fits).select(name)
            _require_none(wrong, name, f"is no {type}", "set decimal and thousands, or")
        number = nw.when(fits).then(nw.col(_PLAIN)).otherwise(nw.lit(None, nw.String)).cast(wanted)
        table = plain.with_columns(number.alias(name)).drop(_PLAIN)
    return table


@effect(cells="columns", cheap=False)
def parse_dates(
    table: nw.LazyFrame[Any],
    columns: Sequence[str],
    formats: Sequence[str],
    type: str = "date",  # noqa: A002 - the word of the schema
    invalid: str = "error",
) -> nw.LazyFrame[Any]:
    """Read texts as dates or times; a column of such stays as it is.

    Parameters
    ----------
    table : narwhals.LazyFrame
        The rows.
    columns : sequence of str
        Which.
    formats : sequence of str
        Python's, such as "%d.%m.%Y"; the first that fits a text counts, so that a column in two
        formats can be read. A time with %z becomes UTC; then every format needs it.
    type : {"date", "datetime"}
        What they become.
    invalid : {"error", "missing"}
        What a text becomes that no format fits; one of white space alone is missing.

    Raises
    ------
    DataError
        No format fits a text, and ``invalid`` is "error".
    """
    require_listed(table, columns)
    _require_known(type, "type", ("date", "datetime"))
    _require_known(invalid, "invalid", _INVALID)
    if isinstance(formats, str) or not formats:
        raise ConfigError(
            "a list of formats is needed",
            where="formats",
            got=formats,
            hint='formats: ["%Y-%m-%d"]',
        )
    zoned = {"%z" in form for form in formats}
    if len(zoned) > 1:
        raise ConfigError("either all formats have %z or none", where="formats", got=list(formats))
    zone = "UTC" if zoned == {True} else None
    schema = table.collect_schema()
    for name in columns:
        require_dtype(table, name, ("string", "date", "datetime"), "columns")
        if dtype_name(schema[name]) != "string":
            continue
        table = changed(table, name, _reader(name, formats, type, zone, invalid), keep_type=False)
    return table


def _reader(
    name: str, formats: Sequence[str], kind: str, zone: str | None, invalid: str
) -> Callable[[pa.Array], pa.Array]:
    def read(texts: pa.Array) -> pa.Array:
        moments, wrong = [], []
        for text in texts.to_pylist():
            moment = _moment(text.strip(), formats)
            moments.append(moment)
            if moment is None and text.strip():
                wrong.append(text)
        if wrong and invalid == "error":
            raise _unread(name, len(wrong), sorted(wrong), "fits no format", "add a format, or")
        micros = [None if m is None else (m - _EPOCH) // _MICROSECOND for m in moments]
        times = pa.array(micros, pa.int64()).cast(pa.timestamp("us", zone))
        return times.cast(pa.date32()) if kind == "date" else times

    return read


_MICROSECOND = datetime.timedelta(microseconds=1)


def _moment(text: str, formats: Sequence[str]) -> datetime.datetime | None:
    for form in formats:
        try:
            moment = datetime.datetime.strptime(text, form)
        except ValueError:
            continue
        return moment.astimezone(datetime.UTC).replace(tzinfo=None) if moment.tzinfo else moment
    return None


def _require_known(value: str, where: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise ConfigError(f"the {where} is unknown", where=where, got=value, allowed=allowed)


def _require_none(wrong: nw.LazyFrame[Any], name: str, what: str, hint: str) -> None:
    texts = wrong.group_by(name).agg(nw.len().alias("__rows"))
    first = [row[name] for row in rows_of(to_arrow(texts.sort(name).head(5)))]
    if first:
        count = count_rows(texts)
        raise _unread(name, count, first, what, hint)


def _unread(name: str, count: int, first: Sequence[str], what: str, hint: str) -> DataError:
    return DataError(
        f"a text of the column {name!r} {what}",
        where="columns",
        got=f"{count:,} different texts: {', '.join(map(repr, first[:5]))}",
        hint=f"{hint} set invalid: missing",
    )
