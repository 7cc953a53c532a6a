"""Whether a metric's change is noise, by the predictions of both revisions, row by row.

Both models met the same rows, so their difference varies less than the two intervals in the metrics
files would have it. Where the rows aren't at hand or don't match, those intervals stand, and the
notes say why.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from fivefold.history.diff.changes import Judgement, MetricChange
from fivefold.history.diff.rowspec import row_spec
from fivefold.history.dvc.contents import Contents, Found
from fivefold.history.git.repository import Revision
from fivefold.history.intervals import METHOD
from fivefold.history.measures import is_number
from fivefold.history.reader import Reader
from fivefold.metrics import METRICS, Goal

if TYPE_CHECKING:
    from fivefold.history.diff.pairs import PairedRows
    from fivefold.paired import PairedChange
    from fivefold.scoring import Predictions

__all__ = [
    "RESAMPLES",
    "SEED",
    "JudgedMetrics",
    "accuracy_p_value",
    "catalogue_name",
    "judge_by_rows",
    "judged",
    "method_notes",
    "not_at_hand",
    "values_of",
]

SEED = 0
RESAMPLES = 1000
_LEVEL = 0.05

# A metrics file may round, but not so that a wrong set of rows would pass.
_COARSEST = 0.005
_FINEST = 1e-6


@dataclass(frozen=True)
class JudgedMetrics:
    """The metrics, judged as well as can be.

    Attributes
    ----------
    metrics : tuple of MetricChange
    notes : tuple of str
        What was in the way.
    paired : PairedRows or None
        The rows that judged.
    """

    metrics: tuple[MetricChange, ...]
    notes: tuple[str, ...] = ()
    paired: PairedRows | None = None


def catalogue_name(name: str) -> str | None:
    """Give the catalogue's name of a metric, or None: ``roc_auc`` of ``eval.json:test.roc_auc``."""
    bare = name.rpartition(":")[2].rpartition(".")[2]
    return bare if bare in METRICS else None


def judge_by_rows(
    reader: Reader,
    contents: Contents,
    base: Revision,
    head: Revision,
    metrics: tuple[MetricChange, ...],
) -> JudgedMetrics:
    """Judge by a paired bootstrap, and accuracy by McNemar's test, what the rows can judge.

    Parameters
    ----------
    reader : Reader
    contents : Contents
    base, head : Revision
    metrics : tuple of MetricChange
        As judged by the intervals in the metrics files.
    """
    if not any(catalogue_name(change.name) and change.change for change in metrics):
        return JudgedMetrics(metrics)
    specs = row_spec(reader, base), row_spec(reader, head)
    if specs[0] is None or specs[1] is None:
        return JudgedMetrics(metrics)
    found = contents.find(base, specs[0].path), contents.find(head, specs[1].path)
    notes = not_at_hand(dict(zip(("base", "head"), found, strict=True)))
    if found[0].source is None or found[1].source is None:
        return JudgedMetrics(metrics, notes)
    # NumPy and pyarrow are paid for only here.
    from fivefold.history.diff.pairs import UnpairedError, pair_rows
    from fivefold.history.diff.rows import UnreadableError, read_rows

    try:
        rows = [
            read_rows(file.source, spec)
            for file, spec in zip(found, specs, strict=True)
            if file.source is not None and spec is not None
        ]
        paired = pair_rows(rows[0], rows[1])
    except (UnpairedError, UnreadableError) as error:
        return JudgedMetrics(
            metrics, (*notes, f"the predictions can't be compared row by row: {error}")
        )
    changed, more = _by_pairs(metrics, paired)
    return JudgedMetrics(changed, (*notes, *more), paired)


def not_at_hand(found: dict[str, Found]) -> tuple[str, ...]:
    """Say what couldn't be read, and what brings it."""
    problems: dict[str, list[str]] = {}
    for side, file in found.items():
        if file.problem:
            problems.setdefault(file.problem, []).append(side)
    notes = [f"{' and '.join(sides)}: {problem}" for problem, sides in problems.items()]
    if notes and any(file.fetchable for file in found.values()):
        notes[-1] += "; fivefold diff --fetch downloads it"
    return tuple(notes)


def _by_pairs(
    metrics: tuple[MetricChange, ...], paired: PairedRows
) -> tuple[tuple[MetricChange, ...], list[str]]:
    from fivefold.history.diff.rows import computable
    from fivefold.paired import paired_changes

    known = computable(paired.head.task, paired.before_all)
    known = [name for name in computable(paired.head.task, paired.after_all) if name in known]
    wanted = {
        change.name: name
        for change in metrics
        if (name := catalogue_name(change.name)) in known and change.change
    }
    names = list(dict.fromkeys(wanted.values()))
    values = [values_of(names, side) for side in (paired.before_all, paired.after_all)]
    notes = []
    agreeing = {}
    for change in metrics:
        name = wanted.get(change.name)
        if name is None:
            continue
        sides = ((change.base, values[0][name]), (change.head, values[1][name]))
        if all(_agrees(written, computed) for written, computed in sides):
            agreeing[change.name] = name
        elif change.name == name:
            written, computed = next(pair for pair in sides if not _agrees(*pair))
            notes.append(
                f"{change.name} is {written:.6g} in {change.file} and {computed:.6g} "
                f"by {paired.head.spec.path}, so the rows don't judge it"
            )
    found = paired_changes(
        list(dict.fromkeys(agreeing.values())),
        paired.before,
        paired.after,
        n_resamples=RESAMPLES,
        seed=SEED,
    )
    judged_ones = tuple(
        _judged(change, found[agreeing[change.name]], agreeing[change.name], paired)
        if change.name in agreeing
        else change
        for change in metrics
    )
    if not paired.is_whole:
        match = paired.match
        notes.append(
            f"compared on the {len(match):,} rows that both predict; {match.only_base:,} are only "
            f"in base, {match.only_head:,} only in head"
        )
    return judged_ones, notes


def values_of(names: Sequence[str], predictions: Predictions) -> dict[str, float]:
    """Compute metrics on all rows; NaN where one is undefined."""
    import numpy as np

    from fivefold.scoring import on_counts

    once = np.ones((1, len(predictions)), dtype=np.int64)
    return {name: float(on_counts(name, predictions)(once)[0]) for name in names}


def _agrees(written: float, computed: float) -> bool:
    """Tell whether a value is the one in the metrics file, which may be rounded."""
    if not is_number(computed):
        return False
    exponent = Decimal(repr(written)).as_tuple().exponent
    digits = 0.5 * 10.0 ** int(exponent)
    tolerance = max(_FINEST * max(1.0, abs(written)), min(digits, _COARSEST))
    return abs(written - computed) <= tolerance


def _judged(
    change: MetricChange, found: PairedChange | None, name: str, paired: PairedRows
) -> MetricChange:
    if found is None:
        return change
    p_value = None
    noise = found.is_noise
    if name == "accuracy":
        p_value = accuracy_p_value(paired.before, paired.after)
        noise = p_value >= _LEVEL
    return replace(
        change,
        judgement=judged(found.change, change.goal, noise=noise),
        method="paired bootstrap" if p_value is None else "McNemar's test",
        interval=(found.low, found.high),
        p_value=p_value,
        rows=len(paired.match),
        common_change=None if paired.is_whole else found.change,
    )


def accuracy_p_value(before: Predictions, after: Predictions) -> float:
    """Give the p-value of McNemar's test."""
    import numpy as np

    from fivefold.paired import mcnemar

    first, second = (np.asarray(p.label) == p.y_true for p in (before, after))
    return mcnemar(first, second).p_value


def judged(change: float, goal: Goal | None, *, noise: bool) -> Judgement:
    """Put a change into a word."""
    if goal is None:
        return "changed"
    if noise:
        return "noise"
    return "better" if (change > 0) == (goal == "maximize") else "worse"


def method_notes(metrics: Iterable[MetricChange]) -> list[str]:
    """Say what told noise from change, for the metrics that differ."""
    by: dict[str, list[MetricChange]] = {}
    for change in metrics:
        if change.method is not None and change.judgement != "same":
            by.setdefault(change.method, []).append(change)
    notes = []
    for method, changes in by.items():
        names = ", ".join(change.name for change in changes[:3])
        more = f" and {len(changes) - 3} more" if len(changes) > 3 else ""
        rows = f" on {changes[0].rows:,} rows" if changes[0].rows else ""
        text = {
            "intervals": METHOD,
            "paired bootstrap": f"a paired bootstrap{rows}, {RESAMPLES:,} resamples",
            "McNemar's test": f"McNemar's test{rows}",
        }[method]
        alone = len(by) == 1
        notes.append(f"noise is told by {text}" + ("" if alone else f": {names}{more}"))
    return notes
