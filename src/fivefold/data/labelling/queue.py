"""What to label next: rows of which the model is unsure, and which differ from one another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pyarrow as pa

from fivefold.data.labelling.judge import Judge, Rows, drawn, features_of
from fivefold.data.labelling.label_studio import task
from fivefold.data.labelling.suspects import Found
from fivefold.data.labelling.vocabulary import Vocabulary
from fivefold.data.labelling.votes import Floats, Ints
from fivefold.data.values import plain, rows_of

if TYPE_CHECKING:
    from fivefold.data.label import LabelConfig

__all__ = ["queued", "spread", "uncertainty"]


def queued(frame: nw.LazyFrame[Any], config: LabelConfig, made_of: tuple[str, ...]) -> Found:
    """Choose the unlabelled rows to label next, the first of them first."""
    declared = config.queue
    assert declared is not None  # noqa: S101 - the caller asks only then
    kinds = features_of(frame, config, made_of)
    shown = config.label_studio.show or list(kinds)
    missing = nw.col(config.target).is_null()
    table, total = drawn(frame.filter(missing), config, [*kinds, *shown])
    report: dict[str, Any] = {
        "unlabelled": total,
        "considered": table.num_rows,
        "by": declared.by,
        "features": list(kinds),
        "queued": 0,
        "listed": [],
    }
    if not table.num_rows:
        report["reason"] = "every row has a label"
        return Found(report, [])
    judge = Judge(config, kinds)
    pool = judge.rows(table)
    classes, chances = _chances(frame.filter(~missing), config, judge, kinds, pool)
    if chances is None:
        report["by"] = "diversity alone"
        report["reason"] = "there are no two classes of labels to learn from"
        doubts = np.zeros(table.num_rows)
    else:
        doubts = uncertainty(chances, declared.by)
    order = np.argsort(-doubts, kind="stable")
    if chances is not None:
        order = order[: declared.size * declared.shortlist]
    if declared.shortlist > 1 or chances is None:
        matrix = judge.matrix(pool.features, pool.features.iloc[order])
        order = order[spread(matrix, declared.size)]
    order = order[: declared.size]
    report["queued"] = len(order)
    cells = rows_of(table.take(pa.array(order)))
    tasks = []
    for number, (place, row) in enumerate(zip(order, cells, strict=True), 1):
        key = {name: plain(row[name]) for name in config.key}
        label, score = None, None
        if chances is not None:
            best = int(chances[place].argmax())
            label, score = classes[best], round(float(chances[place, best]), 6)
        report["listed"].append(
            {
                **key,
                "uncertainty": None if chances is None else round(float(doubts[place]), 6),
                "likely": None if label is None else plain(label),
                "probability": score,
            }
        )
        seen = {name: plain(row[name]) for name in shown}
        control = config.label_studio.from_name or config.target
        tasks.append(
            task(number, key, seen, {}, label, score, control, config.label_studio.to_name)
        )
    return Found(report, tasks)


def _chances(
    labelled: nw.LazyFrame[Any],
    config: LabelConfig,
    judge: Judge,
    kinds: dict[str, str],
    pool: Rows,
) -> tuple[tuple[Any, ...], Floats | None]:
    if config.level == "interval":
        return (), None
    table, _ = drawn(labelled, config, [*kinds, config.target])
    values = table[config.target].to_pylist()
    words = Vocabulary(set(values), None, {}, "the target")
    if len(words.classes) < 2:
        return words.classes, None
    labels = np.array([words.place(value) for value in values], dtype=np.int64)
    known = judge.rows(table)
    size = len(words.classes)
    return words.classes, judge.fitted_chances(known.features, labels, pool.features, size)


def uncertainty(chances: Floats, by: str) -> Floats:
    """Measure how unsure a model is; the more, the higher.

    Parameters
    ----------
    chances : ndarray, shape (n_rows, n_classes)
        Probabilities.
    by : {"entropy", "margin", "least_confidence"}
        Entropy over its maximum; one less the distance of the two best; one less the best. All
        lie in [0, 1] (Settles, 2009, *Active Learning Literature Survey*, 3.1).
    """
    if by == "least_confidence":
        doubts: Floats = 1 - chances.max(axis=1)
    elif by == "margin":
        best = np.sort(chances, axis=1)[:, -2:]
        doubts = 1 - (best[:, 1] - best[:, 0])
    else:
        logs = np.log(chances, out=np.zeros_like(chances), where=chances > 0)
        doubts = -(chances * logs).sum(axis=1) / np.log(chances.shape[1])
    return np.round(doubts, 6)


def spread(points: Floats, size: int) -> Ints:
    """Choose points far from one another: the first, then each time the farthest from those chosen.

    The greedy k-centre of Gonzalez (1985), as Sener and Savarese (2018) use it for core-sets.

    Returns
    -------
    ndarray of int64
        Places, at most ``size``, in the order chosen.
    """
    chosen = [0] if len(points) else []
    nearest = np.full(len(points), np.inf)
    while 0 < len(chosen) < min(size, len(points)):
        # Rounded, so that a last digit does not decide between points equally far.
        distance = np.round(((points - points[chosen[-1]]) ** 2).sum(axis=1), 9)
        nearest = np.minimum(nearest, distance)
        nearest[chosen[-1]] = -1
        chosen.append(int(nearest.argmax()))
    return np.array(chosen, dtype=np.int64)
