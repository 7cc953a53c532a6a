"""Metrics of a user's own: functions named by ``_target_``, with intervals by drawn rows."""

from __future__ import annotations

import math
import numbers
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivefold.callables import Call, call_of
from fivefold.errors import ConfigError, ModelError, nearest
from fivefold.metrics import METRICS, Goal
from fivefold.resampling import Drawing, resample_counts
from fivefold.scoring import Interval, Predictions, percentiles

__all__ = ["OwnMetric", "own_metrics"]

_CHOICES = {"needs": ("label", "score", "value"), "goal": ("maximize", "minimize")}


@dataclass(frozen=True)
class OwnMetric:
    """A metric that ``conf/`` declares.

    Attributes
    ----------
    name : str
    call : Call
        Takes the true and the predicted values, in this order, and gives a number.
    needs : {"label", "score", "value"}
        What is predicted: classes, probabilities (two classes: of the positive one, and the truth
        as 0 and 1; more: one column per class) or numbers.
    goal : {"maximize", "minimize"}
    """

    name: str
    call: Call
    needs: str
    goal: Goal

    def value(self, p: Predictions) -> float | None:
        """Compute it on all rows.

        Raises
        ------
        ModelError
            The function fails, gives no number, or what it needs was not predicted.
        """
        given = getattr(p, self.needs)
        if given is None:
            raise ModelError(
                f"the model predicts no {self.needs}, which the metric {self.name!r} needs",
                where=f"{self.call.where}.needs",
                got=self.needs,
                allowed=[key for key in _CHOICES["needs"] if getattr(p, key) is not None],
            )
        return self._of(*_pair(p, self.needs))

    def _of(self, true: NDArray[Any], given: NDArray[Any]) -> float | None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = self.call(true, given, error=ModelError)
        if isinstance(found, np.ndarray) and found.ndim == 0:
            found = found.item()
        if not isinstance(found, numbers.Real):
            raise ModelError(
                f"the metric {self.name!r} gave no number",
                where=f"{self.call.where} ({self.call.name})",
                got=type(found).__name__,
                allowed="one number",
            )
        return float(found) if math.isfinite(float(found)) else None

    def value_or_none(self, p: Predictions) -> float | None:
        """Compute it on some rows, or give None where it can't be."""
        try:
            return self.value(p)
        except ModelError:
            return None

    def interval(
        self, p: Predictions, drawing: Drawing, *, n_resamples: int, seed: int, confidence: float
    ) -> Interval | None:
        """Give the percentile bootstrap interval; a call for each resample."""
        true, given = _pair(p, self.needs)
        values = []
        for _, counts in resample_counts(drawing, n_resamples, seed):
            for count in counts:
                rows = np.repeat(np.arange(len(p)), count)
                try:
                    found = self._of(true[rows], given[rows])
                except ModelError:
                    found = None
                values.append(math.nan if found is None else found)
        return percentiles(np.array(values), confidence)


def own_metrics(declared: Mapping[str, Mapping[str, Any]]) -> list[OwnMetric]:
    """Read the declarations.

    Raises
    ------
    ConfigError
        A name is the catalogue's, a choice or the function is unknown.
    """
    found = []
    for name, item in declared.items():
        where = f"evaluate.metrics.{name}"
        if name in METRICS or name in ("rows", "interval", "baseline", "detectable_difference"):
            raise ConfigError(
                "the name of a metric of your own is taken",
                where=where,
                got=name,
                hint="call it otherwise"
                if name not in METRICS
                else "the catalogue has it: name it in plan.metrics",
            )
        chosen = {key: item.get(key) for key in _CHOICES}
        for key, value in chosen.items():
            if value not in _CHOICES[key]:
                raise ConfigError(
                    f"the metric does not say what it {'needs' if key == 'needs' else 'wants'}",
                    where=f"{where}.{key}",
                    got=value,
                    allowed=_CHOICES[key],
                    hint=nearest(str(value), _CHOICES[key]),
                )
        rest = {key: value for key, value in item.items() if key not in _CHOICES}
        call = call_of(rest, where, inputs=2)
        found.append(OwnMetric(name, call, str(chosen["needs"]), chosen["goal"]))  # type: ignore[arg-type]
    return found


def _pair(p: Predictions, needs: str) -> tuple[NDArray[Any], NDArray[Any]]:
    given = np.asarray(getattr(p, needs))
    if needs == "score" and given.ndim == 1:
        return p.positive.astype(np.int64), given
    return p.y_true, given
