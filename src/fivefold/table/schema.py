"""What each column is for and what it may hold: the schema that the stages share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from fivefold.errors import ConfigError, SchemaError, nearest

__all__ = ["DTYPES", "ROLES", "Column", "TableSchema"]

DTYPES = ("integer", "number", "string", "boolean", "datetime", "date")
ROLES = ("feature", "target", "identifier", "time", "group", "sensitive", "outcome", "ignored")

Role = Literal[
    "feature", "target", "identifier", "time", "group", "sensitive", "outcome", "ignored"
]


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
        Is every value different?
    min, max : float or None
        The smallest and largest value allowed, both included.
    allowed : list or None
        The only values allowed.
    unit : str
        The unit of measurement, for people.
    description : str
        What the column means, for people.
    feature : bool
        Also use a group or sensitive column as a feature.
    """

    dtype: str = "string"
    role: str = "feature"
    nullable: bool = False
    unique: bool = False
    min: float | None = None
    max: float | None = None
    allowed: list[Any] | None = None
    unit: str = ""
    description: str = ""
    feature: bool = False

    def __post_init__(self) -> None:
        for name, value, known in (("dtype", self.dtype, DTYPES), ("role", self.role, ROLES)):
            if value not in known:
                raise ConfigError(
                    f"a column's {name} is unknown",
                    where=f"validate.columns.*.{name}",
                    got=value,
                    allowed=known,
                    hint=nearest(value, known),
                )
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ConfigError(
                "a column's min is above its max",
                where="validate.columns",
                got=f"min {self.min}, max {self.max}",
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
