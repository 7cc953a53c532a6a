"""Labels from rules: what each votes, how they fare, and the label they add up to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pyarrow as pa

from fivefold.callables import call_of
from fivefold.data.labelling.annotations import label_column
from fivefold.data.labelling.consensus import Chosen, by_model, by_votes, described
from fivefold.data.labelling.evaluate import with_values
from fivefold.data.labelling.vocabulary import Vocabulary
from fivefold.data.labelling.votes import Ints, Votes
from fivefold.data.values import rounded
from fivefold.errors import DataError
from fivefold.table import from_arrow, require_columns, to_arrow

if TYPE_CHECKING:
    from fivefold.data.label import LabelConfig

__all__ = ["ruled"]

_ROWS = "__rows"


def ruled(
    frame: nw.LazyFrame[Any], config: LabelConfig, new: str
) -> tuple[nw.LazyFrame[Any], str, dict[str, Any]]:
    """Add the label that the rules add up to, and its confidence.

    Rows in which the rules say the same share a label, so only the patterns of votes leave the
    engine, however many rows there are.

    Returns
    -------
    narwhals.LazyFrame
        With the columns ``new`` and ``new_confidence``.
    str
        The schema's name of the labels' type.
    dict
        Coverage, overlap, conflict and accuracy per rule; the label model.
    """
    rules = config.rules
    assert rules is not None  # noqa: S101 - the caller asks only then
    calls = {
        f"__rule_{number}": call_of(declared, f"label.rules.functions.{name}", inputs=1)
        for number, (name, declared) in enumerate(rules.functions.items())
    }
    if rules.gold is not None:
        require_columns(frame, [rules.gold], "label.rules.gold")
    names = tuple(rules.functions)
    voted = with_values(frame, calls, config.key, config.engine)
    gold = [] if rules.gold is None else [rules.gold]
    patterns = to_arrow(voted.group_by(*calls, *gold).agg(nw.len().alias(_ROWS)))
    columns = {name: patterns[name].to_pylist() for name in (*calls, *gold)}
    found = {value for name in calls for value in columns[name] if value is not None}
    words = Vocabulary(found, config.labels, config.mapping, "label.rules.functions")
    if not found:
        raise DataError(
            "every rule abstains on every row",
            where="label.rules.functions",
            got=f"{len(names)} rules",
            hint="call one by hand, and look at its condition",
        )
    cells = np.array([[_place(words, v) for v in columns[name]] for name in calls], np.int64).T
    known = np.array(
        [_place(words, v) for v in columns[gold[0]]] if gold else [-1] * len(cells), np.int64
    )
    counts = np.array(patterns[_ROWS].to_pylist(), dtype=np.int64)
    # Engines give groups in any order.
    order = np.lexsort([known, *cells.T[::-1]])
    cells, known, counts = cells[order], known[order], counts[order]
    spoken = (cells >= 0).any(axis=1)
    report, labels = _summed(cells, known, counts, spoken, words, names, config)
    coded = voted.with_columns(
        **{f"{name}_code": _code(name, words, columns[name]) for name in calls}
    ).drop(*calls)
    on = [f"{name}_code" for name in calls]
    posterior = pa.table({**dict(zip(on, labels[0].T, strict=True))}).append_column(new, labels[1])
    posterior = posterior.append_column(f"{new}_confidence", labels[2])
    joined = coded.join(from_arrow(posterior, config.engine), on=on, how="left").drop(*on)
    return joined, words.kind, report


def _summed(
    cells: Ints,
    known: Ints,
    counts: Ints,
    spoken: Any,
    words: Vocabulary,
    names: tuple[str, ...],
    config: LabelConfig,
) -> tuple[dict[str, Any], tuple[Any, pa.Array, pa.Array]]:
    rules = config.rules
    assert rules is not None  # noqa: S101 - as above
    unit, source = np.nonzero(cells >= 0)
    votes = Votes(
        words.classes,
        names,
        unit.astype(np.int64),
        source.astype(np.int64),
        cells[unit, source],
        counts.astype(np.float64),
    )
    modelled = rules.consensus == "label_model"
    chosen = (
        by_model(votes, rules.tie, rules.confidence, abstentions=True)
        if modelled
        else by_votes(votes, rules.tie, rules.confidence)
    )
    report: dict[str, Any] = {
        "rows": int(counts.sum()),
        "covered": int(counts[spoken].sum()),
        "gold": rules.gold,
        "functions": {
            name: _measured(place, cells, known, counts, words, rules.gold is not None)
            for place, name in enumerate(names)
        },
        "consensus": {
            "method": rules.consensus,
            **described(chosen, votes, abstentions=True),
            **_accuracy(chosen, votes, known, counts, rules.gold is not None),
        },
    }
    # Patterns that differ in their gold label only are one.
    _, first = np.unique(cells, axis=0, return_index=True)
    labels = label_column(chosen.label[first], words.classes)
    confidence = pa.array(chosen.confidence[first], from_pandas=True)
    return report, (np.ascontiguousarray(cells[first]), labels, confidence)


def _place(words: Vocabulary, value: Any) -> int:
    place = words.place(value)
    return -1 if place is None else place


def _code(name: str, words: Vocabulary, found: list[Any]) -> nw.Expr:
    """Give the place of a rule's label among the classes, and -1 where it abstains."""
    column = nw.col(name)
    code = nw.lit(-1)
    for value in sorted({v for v in found if v is not None}, key=str):
        code = nw.when(column == nw.lit(value)).then(nw.lit(_place(words, value))).otherwise(code)
    code = nw.when(column.is_null()).then(nw.lit(-1)).otherwise(code)
    return code.cast(nw.Int64)


def _measured(
    place: int, cells: Ints, known: Ints, counts: Ints, words: Vocabulary, gold: bool
) -> dict[str, Any]:
    rows = counts.sum()
    mine = cells[:, place]
    votes = mine >= 0
    others = np.delete(cells, place, axis=1)
    overlaps = votes & (others >= 0).any(axis=1)
    conflicts = votes & ((others >= 0) & (others != mine[:, None])).any(axis=1)
    measured: dict[str, Any] = {
        "labels": {
            str(label): int(counts[mine == code].sum())
            for code, label in enumerate(words.classes)
            if (mine == code).any()
        },
        "coverage": rounded(float(counts[votes].sum() / rows), 6),
        "overlap": rounded(float(counts[overlaps].sum() / rows), 6),
        "conflict": rounded(float(counts[conflicts].sum() / rows), 6),
    }
    if gold:
        judged = votes & (known >= 0)
        n = int(counts[judged].sum())
        right = int(counts[judged & (mine == known)].sum())
        measured["gold_rows"] = n
        measured["accuracy"] = rounded(right / n, 6) if n else None
    return measured


def _accuracy(
    chosen: Chosen, votes: Votes, known: Ints, counts: Ints, gold: bool
) -> dict[str, Any]:
    """Measure the labels by the gold ones, and those that a plain majority would give."""
    if not gold:
        return {}
    measured: dict[str, Any] = {}
    for prefix, labels in (
        ("", chosen.label),
        ("majority_", by_votes(votes, "missing", 0.0).label),
    ):
        judged = (labels >= 0) & (known >= 0)
        n = int(counts[judged].sum())
        right = int(counts[judged & (labels == known)].sum())
        measured[f"{prefix}gold_rows"] = n
        measured[f"{prefix}accuracy"] = rounded(right / n, 6) if n else None
    return measured
