"""Labels that people corrected: each applied, or refused with the reason, and accounted for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pyarrow as pa

from fivefold.data.labelling.annotations import label_column
from fivefold.data.labelling.keyed import column_of, known, numbered, read
from fivefold.data.labelling.vocabulary import Vocabulary, word
from fivefold.data.values import plain, rows_of
from fivefold.errors import DataError
from fivefold.table import from_arrow, to_arrow

if TYPE_CHECKING:
    from fivefold.data.label import LabelConfig

__all__ = ["corrected"]

_WHERE = "label.corrections"
_NEW = "__corrected"
_LISTED = 50


def corrected(
    frame: nw.LazyFrame[Any], tables: Mapping[str, nw.LazyFrame[Any]], config: LabelConfig
) -> tuple[nw.LazyFrame[Any], dict[str, Any]]:
    """Apply the corrections.

    Returns
    -------
    narwhals.LazyFrame
        With the right labels; where there is a confidence, it is 1 for these.
    dict
        How many were applied, changed nothing or were refused and why; which label became which;
        and the first ones, with who said so.
    """
    declared = config.corrections
    assert declared is not None  # noqa: S101 - the caller asks only then
    source = read(tables, declared.table, _WHERE)
    have = source.collect_schema().names()
    told = [name for name in (declared.was, declared.by, declared.why) if name in have]
    rows = column_of(source, frame, config.key, declared.item, [declared.label, *told], _WHERE)
    whole, unit, keys = numbered(rows, config.key)
    current, here = _current(frame, keys, config)
    words = _words(frame, config)
    entries = []
    for row, number in zip(rows_of(whole), unit.tolist(), strict=True):
        entry = {name: row[name] for name in config.key}
        entry["label"] = row[f"__{declared.label}"]
        entry["was"] = row.get(f"__{declared.was}")
        entry["by"] = row.get(f"__{declared.by}")
        entry["why"] = row.get(f"__{declared.why}")
        entry["unit"] = number
        entries.append(entry)
    reasons = _reasons(entries, here, current, words)
    applied: dict[int, int] = {}
    for entry, reason in zip(entries, reasons, strict=True):
        if reason is None:
            place = words.place(entry["label"])
            assert place is not None  # noqa: S101 - else there is a reason
            applied[entry["unit"]] = place
    report = _report(entries, reasons, current, applied, words, config)
    report["table"] = declared.table
    report["without_key"] = rows.num_rows - whole.num_rows
    if not applied:
        return frame, report
    units = sorted(applied)
    labels = label_column(np.array([applied[u] for u in units], dtype=np.int64), words.classes)
    chosen = keys.take(pa.array(units, pa.int64())).append_column(_NEW, labels)
    joined = frame.join(from_arrow(chosen, config.engine), on=config.key, how="left")
    changes = [nw.coalesce(nw.col(_NEW), nw.col(config.target)).alias(config.target)]
    confidence = f"{config.target}_confidence"
    if confidence in frame.collect_schema():
        sure = nw.when(nw.col(_NEW).is_null()).then(nw.col(confidence)).otherwise(nw.lit(1.0))
        changes.append(sure.alias(confidence))
    return joined.with_columns(*changes).drop(_NEW), report


def _current(
    frame: nw.LazyFrame[Any], keys: pa.Table, config: LabelConfig
) -> tuple[dict[int, Any], Any]:
    here = known(keys, frame, config.key, config.engine)
    numbers = pa.array(np.arange(keys.num_rows, dtype=np.int64))
    asked = from_arrow(keys.append_column("__unit", numbers), config.engine)
    labels = frame.select(*config.key, config.target)
    found = to_arrow(asked.join(labels, on=config.key, how="inner").select("__unit", config.target))
    values = rows_of(found)
    return {row["__unit"]: row[config.target] for row in values}, here


def _words(frame: nw.LazyFrame[Any], config: LabelConfig) -> Vocabulary:
    distinct = to_arrow(frame.select(config.target).unique())[config.target].to_pylist()
    found = {value for value in distinct if value is not None}
    if not found and config.labels is None:
        raise DataError(
            "no row has a label, so it can't be told which corrections are valid",
            where=_WHERE,
            hint="declare label.labels",
        )
    words = Vocabulary(found, config.labels, {}, "the target")
    return Vocabulary(words.classes, words.classes, {}, "the target")


def _reasons(
    entries: list[dict[str, Any]], here: Any, current: Mapping[int, Any], words: Vocabulary
) -> list[str | None]:
    """Say why each correction is refused; None where it is not."""
    said: dict[int, set[str]] = {}
    for entry in entries:
        if entry["label"] is not None:
            said.setdefault(entry["unit"], set()).add(word(entry["label"]))
    reasons: list[str | None] = []
    for entry in entries:
        unit = entry["unit"]
        if not here[unit]:
            reasons.append("the row is unknown")
        elif entry["label"] is None:
            reasons.append("no label is given")
        elif len(said[unit]) > 1:
            reasons.append("two corrections of the row contradict each other")
        elif words.place(entry["label"]) is None:
            reasons.append("the label is not among those allowed")
        elif entry["was"] is not None and word(entry["was"]) != word(current.get(unit)):
            reasons.append("the label is no longer what was corrected")
        else:
            reasons.append(None)
    return reasons


def _report(
    entries: list[dict[str, Any]],
    reasons: list[str | None],
    current: Mapping[int, Any],
    applied: Mapping[int, int],
    words: Vocabulary,
    config: LabelConfig,
) -> dict[str, Any]:
    changes: dict[tuple[str, str], int] = {}
    changed: list[dict[str, Any]] = []
    refused: list[dict[str, Any]] = []
    by_reason: dict[str, int] = {}
    seen: set[int] = set()
    for entry, reason in zip(entries, reasons, strict=True):
        shown = {name: plain(entry[name]) for name in config.key}
        why = {"by": plain(entry["by"]), "why": plain(entry["why"])}
        unit = entry["unit"]
        if reason is not None:
            by_reason[reason] = by_reason.get(reason, 0) + 1
            refused.append({**shown, "label": plain(entry["label"]), "reason": reason, **why})
            continue
        before, after = current.get(unit), words.classes[applied[unit]]
        if unit in seen or word(before) == word(after):
            continue
        seen.add(unit)
        pair = ("missing" if before is None else word(before), word(after))
        changes[pair] = changes.get(pair, 0) + 1
        changed.append({**shown, "before": plain(before), "after": plain(after), **why})
    return {
        "declared": len(entries),
        "changed": len(changed),
        "confirmed": len(applied) - len(changed),
        "refused": len(refused),
        "refused_because": dict(sorted(by_reason.items())),
        "changes": [
            {"before": before, "after": after, "rows": rows}
            for (before, after), rows in sorted(changes.items())
        ],
        "first_changed": changed[:_LISTED],
        "first_refused": refused[:_LISTED],
    }
