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
        for column, declared in self.types.items():
            dtype = declared.get("dtype") if isinstance(declared, Mapping) else declared
            if dtype not in DTYPES:
                raise ConfigError(
                    "a column's type is unknown",
                    where=f"types.{column}",
                    got=dtype,
                    allowed=DTYPES,
                    hint=nearest(str(dtype), DTYPES),
                )

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
