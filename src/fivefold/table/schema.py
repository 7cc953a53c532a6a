"""What each column is for and what it may hold: the schema that the stages share."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from fivefold.errors import ConfigError, SchemaError, nearest

__all__ = ["DTYPES", "ON_VIOLATION", "ROLES", "Column", "TableSchema", "bound"]

DTYPES = ("integer", "number", "string", "boolean", "datetime", "date")
ROLES = ("feature", "target", "identifier", "time", "group", "sensitive", "outcome", "ignored")
ON_VIOLATION = ("fail", "warn", "quarantine")

Role = Literal[
    "feature", "target", "identifier", "time", "group", "sensitive", "outcome", "ignored"
]
_WHERE = "validate.columns"
_INT64 = 2**63


def bound(dtype: str, value: Any) -> Any:
    """Give a bound or an allowed value as the type of its column.

    Parameters
    ----------
    dtype : str
        The column's, by the schema's name.
    value : object
        A number; for a date or a datetime, ISO 8601; as YAML gave it.

    Returns
    -------
    object
        An int as it is, however large, or a float; a date; a datetime, in UTC where it says no
        zone.

    Raises
    ------
    ConfigError
        The value is none of the type's.
    """
    try:
        if dtype == "date":
            return datetime.date.fromisoformat(str(value))
        if dtype == "datetime":
            moment = datetime.datetime.fromisoformat(str(value))
            return moment.astimezone(datetime.UTC) if moment.tzinfo else moment.replace(tzinfo=_UTC)
    except ValueError:
        raise _refused(dtype, value, "ISO 8601, such as 2013-01-31") from None
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
        raise _refused(dtype, value, "a number (YAML takes 1e9 for a text; 1.0e+9 is a number)")
    if dtype == "integer" and not -_INT64 <= value < _INT64 and not math.isinf(value):
        raise _refused(dtype, value, "64 bits with a sign")
    return float(value) if dtype == "number" else value


_UTC = datetime.UTC


def _refused(dtype: str, value: Any, allowed: str) -> ConfigError:
    return ConfigError(
        f"the value does not fit a column of dtype {dtype}",
        where=_WHERE,
        got=value,
        allowed=allowed,
    )


@dataclass(frozen=True)
class Column:
    """One column of the schema.

    Attributes
    ----------
    dtype : str
        One of integer, number, string, boolean, datetime, date.
    role : str
        feature: known when the prediction is made, and used for it. target: what is predicted.
        identifier: names the row. time: when the row became known. group: rows that belong
        together. sensitive: judged for bias, and used as a feature only if ``feature`` is true.
        outcome: known only afterwards, never a feature. ignored: kept, and used for nothing.
    nullable : bool
        May a value be missing?
    unique : bool
        Is every value different? Missing ones don't count.
    min, max : int, float, str or None
        The smallest and largest value allowed, both included: numbers, or dates in ISO 8601.
    allowed : list or None
        The only values allowed.
    unit : str
        The unit of measurement, for people.
    description : str
        What the column means, for people.
    feature : bool
        Also use a group or sensitive column as a feature.
    min_length, max_length : int or None
        How many characters a text may have, both included.
    pattern : str or None
        A regular expression, in the syntax of Rust's crate regex, that the whole text must match.
    max_missing : float or None
        The largest share of missing values allowed, 0 to 1; for a nullable column.
    on_violation : {"fail", "warn", "quarantine"} or None
        What follows when a cell is not as declared; the schema's own default if None.
    source : str
        Where the column came from: a source's column, or the step that made it. Validate writes
        it, where the user has not.
    """

    dtype: str = "string"
    role: str = "feature"
    nullable: bool = False
    unique: bool = False
    min: Any = None
    max: Any = None
    allowed: list[Any] | None = None
    unit: str = ""
    description: str = ""
    feature: bool = False
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    max_missing: float | None = None
    on_violation: str | None = None
    source: str = ""

    def __post_init__(self) -> None:
        for name, value, known in (
            ("dtype", self.dtype, DTYPES),
            ("role", self.role, ROLES),
            ("on_violation", self.on_violation, (None, *ON_VIOLATION)),
        ):
            if value not in known:
                options = [option for option in known if option]
                raise ConfigError(
                    f"a column's {name} is unknown",
                    where=f"{_WHERE}.*.{name}",
                    got=value,
                    allowed=options,
                    hint=nearest(str(value), options),
                )
        self._require_fitting()
        if self.max_missing is not None and not (self.nullable and 0 <= self.max_missing <= 1):
            raise ConfigError(
                "max_missing is a share of a nullable column's rows",
                where=f"{_WHERE}.*.max_missing",
                got=f"max_missing {self.max_missing}, nullable {self.nullable}",
                allowed="0 to 1, with nullable: true",
            )

    def _require_fitting(self) -> None:
        """Refuse a rule that the type can't have, and limits the wrong way round."""
        ranged = self.dtype in ("integer", "number", "date", "datetime")
        for name, fits in (
            ("min", ranged),
            ("max", ranged),
            ("min_length", self.dtype == "string"),
            ("max_length", self.dtype == "string"),
            ("pattern", self.dtype == "string"),
        ):
            if getattr(self, name) is not None and not fits:
                raise ConfigError(
                    f"a {self.dtype} column can't have {name}",
                    where=f"{_WHERE}.*.{name}",
                    got=getattr(self, name),
                    hint="min_length and max_length bound a text"
                    if self.dtype == "string"
                    else "is the dtype right?",
                )
        for value in self.allowed or ():
            if self.dtype not in ("string", "boolean"):
                bound(self.dtype, value)
            elif not isinstance(value, str if self.dtype == "string" else bool):
                # YAML takes NO for false, and 007 for 7.
                raise _refused(self.dtype, value, "a text in quotes, or true and false")
        low, high = (None if at is None else bound(self.dtype, at) for at in (self.min, self.max))
        _require_ordered("min", low, high)
        _require_ordered("min_length", self.min_length, self.max_length)


def _require_ordered(name: str, low: Any, high: Any) -> None:
    if low is not None and high is not None and low > high:
        upper = name.replace("min", "max")
        raise ConfigError(
            f"a column's {name} is above its {upper}",
            where=_WHERE,
            got=f"{name} {low}, {upper} {high}",
        )


@dataclass(frozen=True)
class TableSchema:
    """The columns by name, in the table's order."""

    columns: Mapping[str, Column] = field(default_factory=dict)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> TableSchema:
        """Read what :meth:`to_json` gave."""
        known = {item.name for item in fields(Column)}
        return cls(
            {
                name: Column(**{key: value for key, value in column.items() if key in known})
                for name, column in data["columns"].items()
            }
        )

    def to_json(self) -> dict[str, Any]:
        """Give the schema as plain values."""
        return {"columns": {name: asdict(column) for name, column in self.columns.items()}}

    def with_role(self, *roles: Role) -> list[str]:
        """Name the columns of the given roles, in the table's order."""
        return [name for name, column in self.columns.items() if column.role in roles]

    @property
    def target(self) -> str:
        """The name of the one target column.

        Raises
        ------
        SchemaError
            No column or more than one has the role target.
        """
        targets = self.with_role("target")
        if len(targets) != 1:
            raise SchemaError(
                "the schema needs exactly one column with the role target",
                where="validate.columns",
                got=targets or "none",
                hint="set role: target on it in conf/schema.yaml",
            )
        return targets[0]

    @property
    def features(self) -> list[str]:
        """The names of the columns a model may see, in the table's order."""
        return [
            name
            for name, column in self.columns.items()
            if column.role == "feature"
            or (column.feature and column.role in ("group", "sensitive"))
        ]

    @property
    def numeric_features(self) -> list[str]:
        """The features that are numbers or booleans."""
        return [
            name
            for name in self.features
            if self.columns[name].dtype in ("integer", "number", "boolean")
        ]

    @property
    def categorical_features(self) -> list[str]:
        """The features that are strings."""
        return [name for name in self.features if self.columns[name].dtype == "string"]
