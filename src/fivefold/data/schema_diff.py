"""What a table does differently from its schema, and from what another revision's report says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import narwhals as nw

from fivefold.data.observe import Observed, observe
from fivefold.data.validate import ValidateConfig, declared_rules
from fivefold.data.values import dtype_name, plain
from fivefold.data.violations import Violation, locate
from fivefold.table import Column, bound

__all__ = ["Difference", "against_report", "against_schema", "observed_now"]

# A share of missing values that rises by less, without having been zero, is no news.
_RISE = 0.01
_MOST_VALUES = 5


@dataclass(frozen=True)
class Difference:
    """One thing that is not as it was declared, or as it was.

    Attributes
    ----------
    where : str
        The column or check.
    what : str
        column, dtype, missing, range, values, or the rule as the schema says it.
    before, now : str
        What was declared or seen, and what is.
    """

    where: str
    what: str
    before: str
    now: str


def observed_now(table: nw.LazyFrame[Any], columns: Mapping[str, Column]) -> dict[str, Observed]:
    """Look at every column of a table, whether the schema has it or not."""
    have = table.collect_schema()
    fitting = {
        name: columns[name]
        if name in columns and columns[name].dtype == dtype_name(dtype)
        else Column()
        for name, dtype in have.items()
    }
    return observe(table, fitting)


def against_schema(
    table: nw.LazyFrame[Any], now: Mapping[str, Observed], config: ValidateConfig
) -> list[Difference]:
    """Compare a table with the schema that its project declares, in the order of the columns."""
    have = table.collect_schema()
    found = list(_structure(now, config.columns))
    fitting = {
        name: column
        for name, column in config.columns.items()
        if name in now and now[name].dtype == column.dtype
    }
    rules, problems = declared_rules(config, have, fitting)
    for problem in problems:
        where, _, what = problem.partition(": ")
        found.append(Difference(where, what, "", "can't be asked"))
    suspects = [rule for rule in rules if not rule.cleared(now)]
    key = [name for name in config.key if name in have]
    located = locate(table, suspects, key, limit=0)
    found += [_violated(violation, now) for violation in located.violations]
    for name, column in fitting.items():
        if column.max_missing is not None and now[name].missing_share > column.max_missing:
            allowed = f"{column.max_missing:.1%} at most"
            found.append(Difference(name, "missing", allowed, f"{now[name].missing_share:.1%}"))
    order = {name: at for at, name in enumerate(dict.fromkeys([*config.columns, *now]))}
    return sorted(found, key=lambda each: order.get(each.where, len(order)))


def _structure(now: Mapping[str, Observed], columns: Mapping[str, Column]) -> Iterator[Difference]:
    for name, column in columns.items():
        if name not in now:
            yield Difference(name, "column", column.dtype, "missing")
        elif now[name].dtype != column.dtype:
            yield Difference(name, "dtype", column.dtype, now[name].dtype)
    for name, seen in now.items():
        if name not in columns:
            yield Difference(name, "column", "", f"new, {seen.dtype}")


def _violated(violation: Violation, now: Mapping[str, Observed]) -> Difference:
    rule = violation.rule
    rows = "1 row" if violation.rows == 1 else f"{violation.rows:,} rows"
    if rule.check in ("ge", "le"):
        seen = now[rule.label]
        rows = f"{plain(seen.min if rule.check == 'ge' else seen.max)}, in {rows}"
    elif rule.check == "isin":
        cells = [next(iter(example["cells"].values())) for example in violation.examples]
        rows = f"{_listed(list(dict.fromkeys(cells)))}, in {rows}"
    return Difference(rule.label, "rule", rule.words, rows)


def against_report(
    now: Mapping[str, Observed], rows: int, report: Mapping[str, Any]
) -> list[Difference]:
    """Compare a table with what validate reported of it at another revision.

    Parameters
    ----------
    now : mapping of str to Observed
        The table's columns.
    rows : int
        How many rows it has.
    report : mapping
        The other revision's; its ``observed`` says what the columns held.
    """
    before = int(report["rows_before"])
    then = {name: Observed.from_json(column, before) for name, column in report["observed"].items()}
    found = [] if rows == before else [Difference("", "rows", f"{before:,}", f"{rows:,}")]
    for name, was in then.items():
        if name in now:
            found += _changes(name, was, now[name])
        else:
            found.append(Difference(name, "column", was.dtype, "missing"))
    found += [
        Difference(name, "column", "", f"new, {seen.dtype}")
        for name, seen in now.items()
        if name not in then
    ]
    return found


def _changes(name: str, was: Observed, seen: Observed) -> Iterator[Difference]:
    if was.dtype != seen.dtype:
        yield Difference(name, "dtype", was.dtype, seen.dtype)
        return
    rise = seen.missing_share - was.missing_share
    if rise > _RISE or (seen.missing and not was.missing):
        yield Difference(name, "missing", f"{was.missing_share:.1%}", f"{seen.missing_share:.1%}")
    ends = [_comparable(was.dtype, end) for end in (was.min, was.max, seen.min, seen.max)]
    if None not in ends and (ends[2] < ends[0] or ends[3] > ends[1]):
        yield Difference(
            name,
            "range",
            f"{plain(was.min)} to {plain(was.max)}",
            f"{plain(seen.min)} to {plain(seen.max)}",
        )
    if was.values is not None:
        listed = seen.values
        if listed is None:
            yield Difference(name, "values", f"{len(was.values)} of them", "many")
            return
        new = [value for value in listed if value not in was.values]
        gone = [value for value in was.values if value not in listed]
        if new or gone:
            words = [f"new: {_listed(new)}"] * bool(new) + [f"gone: {_listed(gone)}"] * bool(gone)
            yield Difference(name, "values", f"{len(was.values)} of them", "; ".join(words))


def _comparable(dtype: str, end: Any) -> Any:
    # Of two revisions one may have had a time zone.
    return bound(dtype, end) if dtype == "datetime" and end is not None else end


def _listed(values: list[Any]) -> str:
    shown = ", ".join(map(str, values[:_MOST_VALUES]))
    return shown + (f" and {len(values) - _MOST_VALUES} more" if values[_MOST_VALUES:] else "")
