"""Permutation importance: how much worse the primary metric becomes without what a column tells."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fivefold.model.explaining.probe import Floats, Probe, Resampled, Rows, outputs_of
from fivefold.scoring import Predictions, percentiles

__all__ = ["Asked", "permuted", "random_of"]


@dataclass(frozen=True)
class Asked:
    """How finely.

    Attributes
    ----------
    seed, n_repeats, resamples : int
    confidence : float
    """

    seed: int
    n_repeats: int
    resamples: int
    confidence: float


def random_of(seed: int, *names: object) -> np.random.Generator:
    """Give the generator of one question, which no other question's draws move."""
    return np.random.default_rng([seed, *(zlib.crc32(str(name).encode()) for name in names)])


def permuted(
    probe: Probe,
    rows: Rows,
    sets: Mapping[str, Sequence[str]],
    asked: Asked,
    known: Predictions | None = None,
) -> list[dict[str, Any]]:
    """Permute columns, and measure what it costs.

    Parameters
    ----------
    probe : Probe
    rows : Rows
        Rows that no fit saw.
    sets : mapping of str to sequence of str
        Features that are permuted together, by name; most often one.
    asked : Asked
    known : Predictions, optional
        Those of the rows, where they are known already.

    Returns
    -------
    list of dict
        ``name``, ``features``; ``importance``, the mean over the repeats of how much worse the
        metric became, with its interval's ends ``low`` and ``high``, and ``distinguishable`` from
        zero, all null where the
        metric is undefined; and ``moved``, the mean absolute change of the prediction. The most
        important first.

    Notes
    -----
    Breiman, *Random Forests*, Machine Learning 45 (2001), for any model and metric, as in
    scikit-learn's ``permutation_importance``. Each of the interval's resamples draws the rows anew,
    and the repeats: it covers which rows were tested and how they were permuted, and not that
    another fit would be another model.
    """
    before = probe.predicted(rows) if known is None else known
    resampled = Resampled(probe.objective.primary_metric, len(rows), asked.resamples, asked.seed)
    measured = _Measured(probe, before, resampled, asked)
    found = []
    for name, features in sets.items():
        drawn = random_of(asked.seed, "permuted", *sorted(features))
        after = [probe.predicted(_shuffled(rows, features, drawn)) for _ in range(asked.n_repeats)]
        found.append({"name": name, "features": list(features), **measured.of(after)})
    return sorted(found, key=_rank)


def _rank(item: Mapping[str, Any]) -> tuple[float, float, str]:
    importance = item["importance"]
    return (0.0 if importance is None else -importance, -item["moved"], item["name"])


def _shuffled(rows: Rows, features: Sequence[str], drawn: np.random.Generator) -> Rows:
    order = drawn.permutation(len(rows))
    changed = {name: rows.features[name].to_numpy()[order] for name in features}
    return Rows(rows.features.assign(**changed), rows.y)


class _Measured:
    """What permuted predictions cost, against those before."""

    def __init__(
        self, probe: Probe, before: Predictions, resampled: Resampled, asked: Asked
    ) -> None:
        self._probe, self._asked, self._resampled = probe, asked, resampled
        self._value, self._outputs = probe.score(before), outputs_of(before)
        self._drawn = resampled.of(before)

    def of(self, after: Sequence[Predictions]) -> dict[str, Any]:
        moved = float(np.mean([np.abs(outputs_of(p) - self._outputs).mean() for p in after]))
        values = [self._probe.score(predictions) for predictions in after]
        known = [value for value in values if value is not None]
        if self._value is None or not known:
            undefined = dict.fromkeys(("importance", "low", "high", "distinguishable"))
            return {**undefined, "moved": moved}
        importance = float(np.mean([self._probe.worsening(self._value, v) for v in known]))
        interval = self._interval(after)
        apart = None if interval is None else interval["low"] > 0 or interval["high"] < 0
        return {
            "importance": importance,
            **(interval or {"low": None, "high": None}),
            "distinguishable": apart,
            "moved": moved,
        }

    def _interval(self, after: Sequence[Predictions]) -> dict[str, float] | None:
        worse: Floats = np.stack(
            [self._probe.worsening(self._drawn, self._resampled.of(p)) for p in after]
        )
        repeats, resamples = worse.shape
        drawn = random_of(self._asked.seed, "repeats").integers(0, repeats, size=worse.shape)
        means = np.take_along_axis(worse, drawn, axis=0).mean(axis=0)
        return percentiles(means, self._asked.confidence) if resamples else None
