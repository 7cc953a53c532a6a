"""How a file's bytes are to be read: the options that every source of files takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from fivefold.errors import ConfigError, nearest
from fivefold.table.schema import DTYPES

__all__ = ["FORMATS", "FormatOptions"]

FORMATS = ("csv", "tsv", "json", "jsonl", "parquet", "arrow", "excel")


@dataclass(frozen=True)
class FormatOptions:
    """How to read a file.

    Attributes
    ----------
    format : {"csv", "tsv", "json", "jsonl", "parquet", "arrow", "excel"} or None
        By the file's suffix if not given.
    encoding : str
        Of a text file; any codec that Python knows.
    types : mapping of str to str or mapping
        The type of a column where it should not be inferred: integer, number, string, boolean,
        datetime or date. For dates that are not written in ISO 8601, a mapping
        ``{dtype: date, format: "%d.%m.%Y"}``; a list of formats is tried in its order.
    delimiter : str or None
        One character; ``,`` for CSV and a tab for TSV if not given.
    null_values : sequence of str or None
        The texts that mean "missing" in CSV and TSV; the empty one, ``NA``, ``N/A``, ``NaN``,
        ``nan``, ``NULL``, ``null`` and ``None`` if not given.
    sheet : str or None
        The sheet of an Excel file; its only one if not given.
    records : str or None
        Where in a JSON document the array of records is: keys with dots between them. The document
        itself if not given.
    """

    format: str | None = None
    encoding: str = "utf-8"
    types: Mapping[str, Any] = field(default_factory=dict)
    delimiter: str | None = None
    null_values: Sequence[str] | None = None
    sheet: str | None = None
    records: str | None = None

    def __post_init__(self) -> None:
        if self.format is not None and self.format not in FORMATS:
            raise ConfigError(
                "the format is unknown",
                where="format",
                got=self.format,
                allowed=FORMATS,
                hint=nearest(str(self.format), FORMATS),
            )
        if not isinstance(self.types, Mapping):
            raise ConfigError(
                "types is a mapping of columns to types",
                where="types",
                got=self.types,
                allowed="for example, {day: date}",
            )
        if isinstance(self.null_values, str):
            raise ConfigError(
                "null_values is a list", where="null_values", got=self.null_values, allowed="[...]"
            )
        for name in ("encoding", "delimiter", "sheet", "records"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, str):
                raise ConfigError("the option is a text", where=name, got=value)
        for column, declared in self.types.items():
            _require_type(column, declared)

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> FormatOptions:
        """Take what a source was given beside its own arguments.

        Raises
        ------
        ConfigError
            An option is unknown, or its value is.
        """
        known = [item.name for item in fields(cls)]
        for name in options:
            if name not in known:
                raise ConfigError(
                    "there is no such option",
                    where=name,
                    got=name,
                    allowed=known,
                    hint=nearest(name, known),
                )
        return cls(**{name: value for name, value in options.items() if value is not None})


def _require_type(column: str, declared: Any) -> None:
    given = dict(declared) if isinstance(declared, Mapping) else {"dtype": declared}
    dtype, formats = given.pop("dtype", None), given.pop("format", None)
    for key in given:
        raise ConfigError(
            "there is no such key of a column's type",
            where=f"types.{column}.{key}",
            got=key,
            allowed=("dtype", "format"),
            hint=nearest(str(key), ("dtype", "format")),
        )
    if dtype not in DTYPES:
        raise ConfigError(
            "a column's type is unknown",
            where=f"types.{column}",
            got=dtype,
            allowed=DTYPES,
            hint=nearest(str(dtype), DTYPES),
        )
    texts = [formats] if isinstance(formats, str) else formats or []
    if not isinstance(texts, Sequence) or not all(isinstance(text, str) for text in texts):
        raise ConfigError(
            "the format of a date is a text, or a list of them",
            where=f"types.{column}.format",
            got=formats,
            allowed="such as '%d.%m.%Y'; the codes are those of Python's strptime",
        )
    if texts and dtype not in ("date", "datetime"):
        raise ConfigError(
            "only a date or a datetime has a format",
            where=f"types.{column}.format",
            got=f"{formats} for {dtype}",
        )
