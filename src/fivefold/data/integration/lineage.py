"""Where a column of the result came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

__all__ = ["Lineage", "Origin", "Several", "lineage_json", "origins"]


@dataclass(frozen=True)
class Origin:
    """One column of one collected table.

    Attributes
    ----------
    source : str
        The table.
    column : str or None
        Its column, by the name in the source; None for a constant.
    notes : dict
        What was done to it: ``unit`` and ``unit_from``, ``constant``.
    """

    source: str
    column: str | None
    notes: Mapping[str, Any] = field(default_factory=dict)

    def noted(self, **notes: Any) -> Origin:
        """Give the same origin with more notes."""
        return Origin(self.source, self.column, {**self.notes, **notes})

    def to_json(self) -> dict[str, Any]:
        """Give it as plain values."""
        column = {} if self.column is None else {"column": self.column}
        return {"source": self.source, **column, **self.notes}


@dataclass(frozen=True)
class Several:
    """A column that has its cells from several columns.

    Attributes
    ----------
    by : {"union", "precedence"}
        A union takes each row from one of them; a precedence takes the first that has a value.
    origins : sequence of Origin
        In the order of the union, or of the precedence.
    """

    by: str
    origins: Sequence[Origin]

    def to_json(self) -> dict[str, Any]:
        """Give it as plain values."""
        return {"by": self.by, "sources": [origin.to_json() for origin in self.origins]}


Lineage: TypeAlias = "dict[str, Origin | Several]"


def origins(known: Origin | Several) -> list[Origin]:
    """Give all origins of a column."""
    return [known] if isinstance(known, Origin) else list(known.origins)


def lineage_json(lineage: Lineage) -> dict[str, Any]:
    """Give the origins of every column as plain values."""
    return {column: known.to_json() for column, known in lineage.items()}
