"""The same column from several sources: which one is believed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import combinations
from operator import and_, or_
from typing import Any

import narwhals as nw

from fivefold.data.integration.lineage import Lineage, Several, origins
from fivefold.data.values import dtype_name, examples, single
from fivefold.errors import DataError, JoinError, nearest

__all__ = ["Held", "decided", "held_name", "require_known"]

_EXAMPLES = 3


@dataclass(frozen=True)
class Held:
    """One source's version of a column, until it is decided which one is believed.

    Attributes
    ----------
    column : str
        The column of the result.
    source : str
        The table it is from.
    name : str
        What it is called meanwhile.
    """

    column: str
    source: str
    name: str


def held_name(column: str, source: str) -> str:
    """Name a source's version of a column meanwhile."""
    return f"__{source}__{column}"


def decided(
    frame: nw.LazyFrame[Any],
    lineage: Lineage,
    held: Sequence[Held],
    precedence: Mapping[str, Sequence[str]],
    key: Sequence[str],
) -> tuple[nw.LazyFrame[Any], Lineage, list[dict[str, Any]]]:
    """Take each cell from the first source that has a value, in the declared order.

    Returns
    -------
    narwhals.LazyFrame
        The rows with the decided columns.
    dict
        The lineage of the result.
    list of dict
        Per column: the order; rows in which sources agree, in which they differ, in which the
        first had no value and another filled it; from which source the cells came; examples of
        differences.

    Raises
    ------
    JoinError
        A source does not give the column, or two give it with different types.
    """
    if not precedence:
        return frame, lineage, []
    versions = {
        column: _versions(frame, column, order, held) for column, order in precedence.items()
    }
    result: Lineage = {}
    names = {item.name: item.column for item in held}
    for name, origin in lineage.items():
        column = names.get(name, name)
        if column == name:
            result[name] = origin
        elif column not in result:
            found = [o for version in versions[column] for o in origins(lineage[version.name])]
            result[column] = Several("precedence", found)
    frame = frame.with_columns(
        nw.coalesce(*(nw.col(version.name) for version in known)).alias(column)
        for column, known in versions.items()
    )
    counts: dict[str, nw.Expr] = {}
    for number, known in enumerate(versions.values()):
        for name, condition in _conditions(known).items():
            counts[f"{number} {name}"] = condition.cast(nw.Int64).sum()
    figures = single(frame.select(**counts))
    report = []
    for number, (column, known) in enumerate(versions.items()):
        of = {
            name.partition(" ")[2]: int(count or 0)
            for name, count in figures.items()
            if name.partition(" ")[0] == str(number)
        }
        report.append(
            {
                "column": column,
                "order": [version.source for version in known],
                **{name: of[name] for name in ("agreements", "conflicts", "fills")},
                "taken_from": {v.source: of[f"from {n}"] for n, v in enumerate(known)},
                "examples": _differences(frame, known, key) if of["conflicts"] else [],
            }
        )
    return frame, result, report


def _versions(
    frame: nw.LazyFrame[Any], column: str, order: Sequence[str], held: Sequence[Held]
) -> list[Held]:
    where = f"integrate.precedence.{column}"
    by_source = {item.source: item for item in held if item.column == column}
    for source in order:
        if source not in by_source:
            raise JoinError(
                f"{source!r} gives no column {column!r}",
                where=where,
                got=source,
                allowed=list(by_source) or "none: no table gives it",
                hint=nearest(source, by_source) or "take it: see columns: and prefix: of the join",
            )
    schema = frame.collect_schema()
    dtypes = {item.source: dtype_name(schema[item.name]) for item in by_source.values()}
    if len(set(dtypes.values())) > 1:
        raise JoinError(
            f"the column {column!r} has different types",
            where=where,
            got=", ".join(f"{source}: {dtype}" for source, dtype in dtypes.items()),
            hint="set types: under integrate.tables, or in the source's read:",
        )
    return [by_source[source] for source in order]


def _conditions(versions: Sequence[Held]) -> dict[str, nw.Expr]:
    """Say in expressions that are never missing what the report counts."""
    present = [~nw.col(version.name).is_null() for version in versions]
    pairs = list(combinations(range(len(versions)), 2))
    both = [present[a] & present[b] for a, b in pairs]
    differ = _differ(versions)
    conditions = {
        "conflicts": differ,
        "agreements": reduce(or_, both) & ~differ,
        "fills": ~present[0] & reduce(or_, present[1:]),
    }
    for number in range(len(versions)):
        before = [~seen for seen in present[:number]]
        conditions[f"from {number}"] = reduce(and_, [*before, present[number]])
    return conditions


def _differ(versions: Sequence[Held]) -> nw.Expr:
    pairs = combinations([nw.col(version.name) for version in versions], 2)
    return reduce(or_, ((a != b).fill_null(value=False) for a, b in pairs))


def _differences(
    frame: nw.LazyFrame[Any], versions: Sequence[Held], key: Sequence[str]
) -> list[dict[str, Any]]:
    rows = frame.filter(_differ(versions)).select(
        *key, *(nw.col(v.name).alias(f"{v.column} of {v.source}") for v in versions)
    )
    return examples(rows, key, _EXAMPLES)


def require_known(precedence: Mapping[str, Sequence[str]], sources: Sequence[str]) -> None:
    """Refuse a source that is neither the base nor joined.

    Raises
    ------
    DataError
        With the nearest name.
    """
    for column, order in precedence.items():
        for source in order:
            if source not in sources:
                raise DataError(
                    f"{source!r} is neither the base nor joined",
                    where=f"integrate.precedence.{column}",
                    got=source,
                    allowed=list(sources),
                    hint=nearest(source, sources),
                )
