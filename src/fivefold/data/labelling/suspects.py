"""Labels that are probably wrong, found by confident learning.

Northcutt, Jiang and Chuang (2021), *Journal of Artificial Intelligence Research* 70, as the package
cleanlab has it: of each class, as many labels are suspected as the estimated joint distribution of
given and true labels says are wrong, those that the model holds most improbable.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np

from fivefold.data.labelling.judge import Judge, drawn, features_of
from fivefold.data.labelling.label_studio import task
from fivefold.data.labelling.vocabulary import Vocabulary
from fivefold.data.labelling.votes import Floats, Ints
from fivefold.data.values import plain, rows_of
from fivefold.errors import ConfigError

if TYPE_CHECKING:
    from fivefold.data.label import LabelConfig

__all__ = ["Found", "suspected"]


@dataclass(frozen=True)
class Found:
    """What to look at, and the account of how it was found.

    Attributes
    ----------
    report : dict
        For the report.
    tasks : list of dict
        For Label Studio.
    """

    report: dict[str, Any]
    tasks: list[dict[str, Any]]


def suspected(frame: nw.LazyFrame[Any], config: LabelConfig, made_of: tuple[str, ...]) -> Found:
    """Find the labels that are probably wrong, the worst first.

    Raises
    ------
    ConfigError
        Labels are numbers, or cleanlab is not installed.
    """
    declared = config.suspects
    assert declared is not None  # noqa: S101 - the caller asks only then
    if config.level == "interval":
        raise ConfigError(
            "confident learning needs classes, and the labels are numbers",
            where="label.suspects",
            got=f"level: {config.level}",
        )
    kinds = features_of(frame, config, made_of)
    shown = config.label_studio.show or list(kinds)
    beside = [name for name in (config.model.group, config.model.time) if name]
    labelled = frame.filter(~nw.col(config.target).is_null())
    table, total = drawn(labelled, config, [*kinds, *shown, *beside, config.target])
    report: dict[str, Any] = {
        "labelled": total,
        "judged": 0,
        "features": list(kinds),
        "classes_too_small": {},
        "suspected": 0,
        "listed": [],
    }
    values = table[config.target].to_pylist()
    words = Vocabulary(set(values), None, {}, "the target")
    labels = np.array([words.place(value) for value in values], dtype=np.int64)
    counts = np.bincount(labels, minlength=len(words.classes))
    small = counts < 2
    report["classes_too_small"] = {
        str(words.classes[c]): int(counts[c]) for c in np.flatnonzero(small)
    }
    kept = np.flatnonzero(~small[labels]) if len(labels) else np.empty(0, dtype=np.int64)
    classes = [words.classes[c] for c in np.flatnonzero(~small)]
    if len(classes) < 2:
        report["reason"] = "there are not two classes with two rows each"
        return Found(report, [])
    labels = np.searchsorted(np.flatnonzero(~small), labels[kept])
    judge = Judge(config, kinds)
    rows = judge.rows(table.take(kept))
    chances = judge.out_of_fold(rows, labels, len(classes))
    order, joint = _ranked(labels, chances)
    report["judged"] = len(labels)
    report["suspected"] = len(order)
    names = [str(name) for name in classes]
    report["estimated_noise"] = round(float(1 - np.trace(joint)), 4)
    report["joint"] = {
        name: {n: round(float(joint[g, t]), 4) for t, n in enumerate(names)}
        for g, name in enumerate(names)
    }
    listed = order[: declared.limit]
    cells = rows_of(rows.table.take(listed))
    entries = []
    tasks = []
    for number, (place, row) in enumerate(zip(listed, cells, strict=True), 1):
        better = int(_best_other(chances[place], labels[place]))
        entry = {
            **{name: plain(row[name]) for name in config.key},
            "label": plain(row[config.target]),
            "suggested": plain(classes[better]),
            "probability_of_label": round(float(chances[place, labels[place]]), 6),
            "probability_of_suggested": round(float(chances[place, better]), 6),
        }
        entries.append(entry)
        tasks.append(
            task(
                number,
                {name: plain(row[name]) for name in config.key},
                {name: plain(row[name]) for name in shown},
                {"was": plain(row[config.target])},
                classes[better],
                entry["probability_of_suggested"],
                config.label_studio.from_name or config.target,
                config.label_studio.to_name,
            )
        )
    report["listed"] = entries
    report["changes"] = _changes(labels[order], chances[order], names)
    return Found(report, tasks)


def _ranked(labels: Ints, chances: Floats) -> tuple[Ints, Floats]:
    """Give the suspected places, the worst first, and the joint of given and true labels."""
    try:
        from cleanlab.count import estimate_joint  # type: ignore[import-untyped]
        from cleanlab.filter import find_label_issues  # type: ignore[import-untyped]
    except ImportError as error:
        raise ConfigError(
            "the search for wrong labels needs the package cleanlab",
            where="label.suspects",
            hint="pip install 'fivefold[labels]'",
        ) from error
    # A row of zeros would be no distribution, and rounding may take a millionth from its sum.
    chances = np.clip(chances, 1e-6, None)
    chances = chances / chances.sum(axis=1, keepdims=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wrong = find_label_issues(labels, chances, filter_by="prune_by_noise_rate", n_jobs=1)
        joint = np.asarray(estimate_joint(labels, chances))
    places = np.flatnonzero(wrong)
    # Ranked here, so that rows with the same score keep the order of their keys.
    own = chances[places, labels[places]].round(6)
    return places[np.argsort(own, kind="stable")], joint


def _best_other(chances: Floats, label: int) -> int:
    other = chances.copy()
    other[label] = -1
    return int(other.argmax())


def _changes(labels: Ints, chances: Floats, names: list[str]) -> list[dict[str, Any]]:
    pairs: dict[tuple[int, int], int] = {}
    for label, row in zip(labels.tolist(), chances, strict=True):
        pair = (label, _best_other(row, label))
        pairs[pair] = pairs.get(pair, 0) + 1
    return [
        {"label": names[given], "suggested": names[true], "rows": rows}
        for (given, true), rows in sorted(pairs.items())
    ]
