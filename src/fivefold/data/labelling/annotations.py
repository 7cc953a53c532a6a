"""Annotations of several people: read in either layout, checked, and brought to a consensus."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fivefold.data.labelling.agreement import agreement
from fivefold.data.labelling.consensus import by_model, by_votes, described, of_numbers
from fivefold.data.labelling.keyed import column_of, known, numbered, read, shown
from fivefold.data.labelling.settings import Annotators
from fivefold.data.labelling.vocabulary import Vocabulary
from fivefold.data.labelling.votes import Ints, Votes
from fivefold.errors import DataError
from fivefold.table.arrays import integers

if TYPE_CHECKING:
    from fivefold.data.label import LabelConfig

__all__ = ["Annotated", "annotated"]

_WHERE = "label.annotators"


@dataclass(frozen=True)
class Annotated:
    """The labels that people agreed on.

    Attributes
    ----------
    labels : pyarrow.Table
        The key, the label and its confidence, or the numbers' deviation; an item a row.
    extra : str
        The last column's name: confidence or deviation.
    report : dict
        What was read, the agreement, the consensus.
    """

    labels: pa.Table
    extra: str
    report: dict[str, Any]


def annotated(
    table: nw.LazyFrame[Any], tables: Mapping[str, nw.LazyFrame[Any]], config: LabelConfig
) -> Annotated:
    """Read the annotations and bring them to one label per item.

    Raises
    ------
    DataError
        An annotation is of an unknown row, an unknown label, or contradicts another by the same
        annotator, and the config does not say what to do then.
    """
    declared = config.annotators
    assert declared is not None  # noqa: S101 - the caller asks only then
    rows, report = _long(table, tables, config, declared)
    rows, unit, keys = numbered(rows, config.key)
    here = known(keys, table, config.key, config.engine)
    report["unknown_items"] = int((~here).sum())
    if not here.all() and declared.unknown == "error":
        raise DataError(
            f"{int((~here).sum()):,} annotated rows are not in the table",
            where=f"{_WHERE}.table: {declared.table}",
            got=shown(keys, np.flatnonzero(~here)[:3].tolist()),
            hint="mend the keys, or set label.annotators.unknown: drop",
        )
    votes, repeated = _votes(rows, unit, keys.num_rows, config, declared)
    votes = votes.only(here[votes.unit])
    report["annotations"] = len(votes.unit)
    report["repeated"] = repeated
    report["agreement"] = agreement(votes, config.level)
    if config.level == "interval":
        centre, deviation = of_numbers(votes, declared.consensus, declared.least)
        labels, extra = centre, deviation
        report["consensus"] = {
            "method": declared.consensus,
            "labelled": int(np.isfinite(centre).sum()),
        }
        columns = [_floats(labels), _floats(extra)]
        return Annotated(_with(keys, config.target, columns, "deviation"), "deviation", report)
    voted = declared.consensus == "majority"
    chosen = (by_votes if voted else by_model)(
        votes, declared.tie, declared.confidence, declared.least
    )
    report["consensus"] = {"method": declared.consensus, **described(chosen, votes)}
    columns = [label_column(chosen.label, votes.classes), _floats(chosen.confidence)]
    return Annotated(_with(keys, config.target, columns, "confidence"), "confidence", report)


def label_column(codes: Ints, classes: tuple[Any, ...]) -> pa.Array:
    """Give the labels of the places among the classes; -1 is missing."""
    kinds = {"boolean": pa.bool_(), "integer": pa.int64(), "number": pa.float64()}
    kind = Vocabulary(classes, classes, {}, "label.labels").kind
    values = pa.array([*classes], type=kinds.get(kind, pa.string()))
    places = pa.array(codes, mask=np.asarray(codes) < 0)
    return values.take(places)


def _floats(values: Any) -> pa.Array:
    return pa.array(values, type=pa.float64(), from_pandas=True)


def _with(keys: pa.Table, target: str, columns: list[pa.Array], extra: str) -> pa.Table:
    return keys.append_column(target, columns[0]).append_column(f"{target}_{extra}", columns[1])


def _long(
    table: nw.LazyFrame[Any],
    tables: Mapping[str, nw.LazyFrame[Any]],
    config: LabelConfig,
    declared: Annotators,
) -> tuple[pa.Table, dict[str, Any]]:
    """Read the annotations as rows of key, ``__annotator`` and ``__label``."""
    frame = read(tables, declared.table, _WHERE)
    wanted = declared.columns or [declared.annotator, declared.label]
    rows = column_of(frame, table, config.key, declared.item, wanted, _WHERE)
    report: dict[str, Any] = {"table": declared.table}
    if declared.columns is None:
        by, said = f"__{declared.annotator}", f"__{declared.label}"
        rows = rows.rename_columns(
            [{by: "__annotator", said: "__label"}.get(name, name) for name in rows.column_names]
        )
        rows = rows.set_column(
            rows.column_names.index("__annotator"),
            "__annotator",
            rows["__annotator"].cast(pa.string()),
        )
    else:
        rows = _unpivoted(rows, config.key, declared.columns)
    labelled = pc.and_(pc.is_valid(rows["__label"]), pc.is_valid(rows["__annotator"]))
    report["rows_without_label_or_annotator"] = rows.num_rows - (pc.sum(labelled).as_py() or 0)
    kept = rows.filter(labelled)
    if not kept.num_rows:
        raise DataError(
            "there is no annotation",
            where=f"{_WHERE}.table: {declared.table}",
            got=f"{rows.num_rows:,} rows without a label or an annotator",
            allowed=f"columns {', '.join(wanted)} with values",
        )
    return kept, report


def _unpivoted(rows: pa.Table, key: list[str], columns: list[str]) -> pa.Table:
    types = {rows[f"__{name}"].type for name in columns} - {pa.null()}
    common = types.pop() if len(types) == 1 else pa.string()
    parts = []
    for name in columns:
        part = rows.select(key).append_column(
            "__annotator", pa.array([name] * rows.num_rows, pa.string())
        )
        parts.append(part.append_column("__label", rows[f"__{name}"].cast(common)))
    return pa.concat_tables(parts)


def _votes(
    rows: pa.Table, unit: Ints, units: int, config: LabelConfig, declared: Annotators
) -> tuple[Votes, int]:
    names, source = _coded(rows["__annotator"])
    order = np.argsort(names)
    rank = np.argsort(order)
    source = rank[source].astype(np.int64)
    sources = tuple(names[i] for i in order)
    if config.level == "interval":
        classes: tuple[Any, ...] = ()
        value = _numbers(rows["__label"])
    else:
        found, codes = _coded(rows["__label"])
        words = Vocabulary(
            found, config.labels, config.mapping, f"{_WHERE}.table: {declared.table}"
        )
        classes = words.classes
        places = [words.place(item) for item in found]
        value = np.array([-1 if place is None else place for place in places], dtype=np.int64)[
            codes
        ]
    votes = Votes(classes, sources, unit, source, value, np.ones(units))
    if config.level != "interval":
        votes = votes.only(value >= 0)
    return _once(votes, config, declared, rows, unit)


def _once(
    votes: Votes, config: LabelConfig, declared: Annotators, rows: pa.Table, unit: Ints
) -> tuple[Votes, int]:
    """Let an annotator speak once of an item."""
    order = np.lexsort([np.arange(len(votes.unit)), votes.source, votes.unit])
    votes = Votes(
        votes.classes,
        votes.sources,
        votes.unit[order],
        votes.source[order],
        votes.value[order],
        votes.weight,
    )
    same = (votes.unit[1:] == votes.unit[:-1]) & (votes.source[1:] == votes.source[:-1])
    differs = same & (votes.value[1:] != votes.value[:-1])
    if differs.any() and declared.repeated == "error":
        at = int(np.flatnonzero(differs)[0])
        first = int(np.flatnonzero(unit == votes.unit[at])[0])
        raise DataError(
            f"an annotator labelled an item twice, and differently ({int(differs.sum()):,} times)",
            where=f"{_WHERE}.table: {declared.table}",
            got=f"{votes.sources[votes.source[at]]} on {shown(rows.select(config.key), [first])}",
            hint="mend the table, or set label.annotators.repeated: first or last",
        )
    kept = np.ones(len(votes.unit), dtype=bool)
    if declared.repeated == "last":
        kept[:-1] = ~same
    else:
        kept[1:] = ~same
    return votes.only(kept), int(same.sum())


def _coded(column: pa.ChunkedArray) -> tuple[list[Any], Ints]:
    encoded = column.combine_chunks().dictionary_encode()
    return encoded.dictionary.to_pylist(), integers(pa.chunked_array([encoded.indices]))


def _numbers(column: pa.ChunkedArray) -> Any:
    try:
        numbers = np.array(column.cast(pa.float64()).to_numpy())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise DataError(
            "a label is not a number",
            where=f"{_WHERE}.label",
            got=str(error).splitlines()[0],
            hint="level: interval is for numbers; take nominal or ordinal",
        ) from None
    if not np.isfinite(numbers).all():
        raise DataError("a label is not a finite number", where=f"{_WHERE}.label")
    return numbers
