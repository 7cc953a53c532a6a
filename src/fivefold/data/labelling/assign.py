"""Give each row its label, wherever it is declared to come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import narwhals as nw

from fivefold.callables import call_of, require_target
from fivefold.data.cases import by_case
from fivefold.data.expressions import compiled
from fivefold.data.labelling.annotations import annotated
from fivefold.data.labelling.evaluate import with_values
from fivefold.data.labelling.vocabulary import Vocabulary
from fivefold.data.labelling.weak import ruled
from fivefold.data.values import dtype_name
from fivefold.errors import ConfigError, DataError
from fivefold.table import from_arrow, require_columns, to_arrow

if TYPE_CHECKING:
    from fivefold.data.label import LabelConfig

__all__ = ["Assigned", "assigned"]

_NEW = "__label"


@dataclass(frozen=True)
class Assigned:
    """The table with its target.

    Attributes
    ----------
    frame : narwhals.LazyFrame
        Not yet computed.
    report : dict
        Where the labels came from.
    made_of : tuple of str
        Columns that the label is made of, which a model that judges labels must not see.
    """

    frame: nw.LazyFrame[Any]
    report: dict[str, Any]
    made_of: tuple[str, ...] = field(default=())


def assigned(
    table: nw.LazyFrame[Any], tables: Mapping[str, nw.LazyFrame[Any]], config: LabelConfig
) -> Assigned:
    """Write the target.

    Raises
    ------
    DataError, ConfigError
        As the ways of labelling do; and where the table has the target already.
    """
    if config.origin is None:
        require_columns(table, [config.target], "label.target")
        return Assigned(table, {})
    renamed = config.column == config.target
    if config.target in table.collect_schema() and config.existing == "error" and not renamed:
        raise ConfigError(
            f"the table has the column {config.target!r} already",
            where="label.existing",
            got="error",
            allowed=("keep", "replace"),
            hint="existing: keep fills its missing values, replace lets the new labels win",
        )
    if config.annotators is not None:
        found = annotated(table, tables, config)
        extra = _free(f"{config.target}_{found.extra}", table)
        labels = from_arrow(
            found.labels.rename_columns([*config.key, _NEW, f"{_NEW}_extra"]), config.engine
        )
        frame = table.join(labels, on=config.key, how="left")
        frame = _merged(frame, config).rename({f"{_NEW}_extra": extra})
        return Assigned(frame, {"annotators": found.report}, (extra,))
    if config.rules is not None:
        frame, _, report = ruled(table, config, _NEW)
        extra = _free(f"{config.target}_confidence", table)
        frame = _merged(frame, config).rename({f"{_NEW}_confidence": extra})
        return Assigned(frame, {"rules": report}, (extra, config.rules.gold or extra))
    frame, made_of, report = _by_row(table, config)
    return Assigned(_merged(_spoken(frame, config), config), report, made_of)


def _free(name: str, table: nw.LazyFrame[Any]) -> str:
    if name in table.collect_schema():
        raise DataError(
            f"the table has the column {name!r}, which the labels need",
            where="label",
            got=name,
            hint="rename it in integrate, or in the source",
        )
    return name


def _by_row(
    table: nw.LazyFrame[Any], config: LabelConfig
) -> tuple[nw.LazyFrame[Any], tuple[str, ...], dict[str, Any]]:
    if config.column is not None:
        require_columns(table, [config.column], "label.column")
        frame = table.with_columns(nw.col(config.column).alias(_NEW))
        return frame, (config.column,), {"column": config.column}
    where = "label.expression"
    if isinstance(config.expression, str):
        read = compiled(config.expression, table.collect_schema(), where)
        frame = table.with_columns(read.label.alias(_NEW))
        report = {"expression": config.expression, "columns": list(read.columns)}
        return frame, read.columns, report
    if not isinstance(config.expression, Mapping):
        raise ConfigError(
            "neither a text nor a function",
            where=where,
            got=config.expression,
            allowed="such as 'arr_delay >= 15', or a mapping with _target_",
        )
    require_target(config.expression, where)
    call = call_of(config.expression, where, inputs=1)
    frame = with_values(table, {_NEW: call}, config.key, config.engine)
    # The names that an argument mentions are what a label function reads, as far as can be told.
    names = set(table.collect_schema().names())
    made_of = tuple(sorted(names & {v for v in call.declared.values() if isinstance(v, str)}))
    return frame, made_of, {"expression": dict(config.expression), "columns": list(made_of)}


def _spoken(frame: nw.LazyFrame[Any], config: LabelConfig) -> nw.LazyFrame[Any]:
    """Hold the values against the labels allowed, and put the label that each means."""
    if not config.mapping and config.labels is None:
        return frame
    distinct = to_arrow(frame.select(_NEW).unique())[_NEW].to_pylist()
    found = sorted({value for value in distinct if value is not None}, key=str)
    words = Vocabulary(found, config.labels, config.mapping, f"label.{config.origin}")
    places = [words.place(value) for value in found]
    meant = [None if place is None else words.classes[place] for place in places]
    if all(label is None for label in meant):
        raise DataError(
            "the mapping drops every value", where="label.mapping", got=", ".join(map(str, found))
        )
    cases = [(nw.col(_NEW) == nw.lit(v), label) for v, label in zip(found, meant, strict=True)]
    return frame.with_columns(by_case(cases).alias(_NEW))


def _merged(frame: nw.LazyFrame[Any], config: LabelConfig) -> nw.LazyFrame[Any]:
    """Write the new labels as the target, beside those that are there."""
    schema = frame.collect_schema()
    target = config.target
    if target not in schema or config.column == target:
        rest = [name for name in schema.names() if name not in (_NEW, target)]
        return frame.select(*rest, nw.col(_NEW).alias(target))
    old, new = dtype_name(schema[target]), dtype_name(schema[_NEW])
    if old != new:
        raise DataError(
            "the labels are not of the type that the target has",
            where="label.existing",
            got=f"{new}, and the column {target!r} is {old}",
            hint="declare label.mapping",
        )
    order = (target, _NEW) if config.existing == "keep" else (_NEW, target)
    return frame.with_columns(nw.coalesce(*(nw.col(n) for n in order)).alias(target)).drop(_NEW)
