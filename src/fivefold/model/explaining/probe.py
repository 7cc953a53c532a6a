"""The fitted model as the questions see it: what it gives for rows, and how good that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fivefold import resampling
from fivefold.errors import FivefoldError, ModelError
from fivefold.objective import Objective
from fivefold.scoring import Predictions, on_counts, predict, score

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Floats", "Probe", "Resampled", "Rows", "outputs_of"]

Floats = NDArray[np.float64]

# Rows that are predicted at a time: preprocessing makes a few hundred numbers of each.
_BATCH = 20_000


@dataclass(frozen=True)
class Rows:
    """Rows of a part.

    Attributes
    ----------
    features : pandas.DataFrame of shape (n_rows, n_features)
    y : ndarray of shape (n_rows,)
        The target.
    """

    features: pd.DataFrame
    y: NDArray[Any]

    def __len__(self) -> int:
        return len(self.y)

    def take(self, positions: NDArray[np.intp]) -> Rows:
        """Give some of the rows."""
        return Rows(self.features.iloc[positions].reset_index(drop=True), self.y[positions])

    def sample(self, most: int, seed: int) -> Rows:
        """Draw at most so many rows, kept in their order."""
        if len(self) <= most:
            return self
        drawn = np.random.default_rng(seed).choice(len(self), size=most, replace=False)
        return self.take(np.sort(drawn))


@dataclass(frozen=True)
class Probe:
    """A fitted pipeline that is asked.

    Attributes
    ----------
    estimator : object
        Takes the frame of :func:`fivefold.features.feature_frame`.
    objective : Objective
    threshold : float
        Two classes: from this probability on, the positive class is predicted.
    """

    estimator: Any
    objective: Objective
    threshold: float = 0.5
    classes: tuple[Any, ...] = field(init=False, default=())

    def __post_init__(self) -> None:
        known = getattr(self.estimator, "classes_", None)
        if self.objective.is_classification and known is not None:
            object.__setattr__(self, "classes", tuple(np.asarray(known).tolist()))

    @property
    def outputs(self) -> list[Any]:
        """What each column of :meth:`output` is of: a class, or the target."""
        if not self.objective.is_classification:
            return [self.objective.target]
        return list(self.classes) if len(self.classes) != 2 else [self.classes[1]]

    @property
    def is_better_high(self) -> bool:
        """Whether a higher primary metric is better."""
        return self.objective.primary.goal == "maximize"

    def predicted(self, rows: Rows) -> Predictions:
        """Predict rows.

        Raises
        ------
        ModelError
            The pipeline can't, or gives NaN.
        """
        try:
            parts = [
                predict(
                    self.estimator,
                    rows.features.iloc[start : start + _BATCH],
                    rows.y[start : start + _BATCH],
                    self.objective,
                    threshold=self.threshold,
                )
                for start in range(0, len(rows), _BATCH)
            ]
        except FivefoldError:
            raise
        except Exception as error:
            raise ModelError(
                "the model can't predict the rows",
                where="explain",
                got=f"{type(error).__name__}: {error}",
                hint="dvc repro train: was it fitted on the same features?",
            ) from error
        return parts[0] if len(parts) == 1 else _together(parts)

    def output(self, features: pd.DataFrame) -> Floats:
        """Give the model's output of rows, shape (n_rows, n_outputs); see :func:`outputs_of`."""
        return outputs_of(self.predicted(Rows(features, np.zeros(len(features)))))

    def worsening(self, before: Any, after: Any) -> Any:
        """Give how much worse the metric became: above 0 is worse, whichever way it goes."""
        return before - after if self.is_better_high else after - before

    def score(self, predictions: Predictions) -> float | None:
        """Compute the primary metric; None where it is undefined."""
        return score(self.objective.primary_metric, predictions)


def outputs_of(predictions: Predictions) -> Floats:
    """Give one number per output of each row: a probability, a decision, or the predicted value.

    Two classes have one output, the positive one's; more have one each. Where the estimator gives
    no score, it is 1 for the predicted class and 0 for the others.

    Returns
    -------
    ndarray of shape (n_rows, n_outputs)
    """
    if predictions.value is not None:
        return predictions.value[:, None]
    classes = np.asarray(predictions.classes)
    given = predictions.score
    if given is not None and given.ndim == 1:
        return given[:, None]
    if given is not None and given.shape[1] == len(classes):
        return given
    chosen = (np.asarray(predictions.label)[:, None] == classes[None, :]).astype(np.float64)
    result: Floats = chosen[:, 1:] if len(classes) == 2 else chosen
    return result


def _together(parts: Sequence[Predictions]) -> Predictions:
    def joined(name: str) -> Any:
        values = [getattr(part, name) for part in parts]
        return None if values[0] is None else np.concatenate(values)

    first = parts[0]
    return Predictions(
        joined("y_true"),
        first.classes,
        joined("score"),
        joined("label"),
        joined("value"),
        first.probabilistic,
    )


class Resampled:
    """The primary metric on resamples of the same rows, for predictions that are compared.

    Parameters
    ----------
    metric : str
    n_rows : int
    n_resamples : int
    seed : int
    """

    def __init__(self, metric: str, n_rows: int, n_resamples: int, seed: int) -> None:
        self._metric = metric
        drawn = resampling.resample_counts(resampling.Rows(n_rows), n_resamples, seed)
        # Kept small: how often a row is drawn fits a byte, and there are a million of them.
        self._counts = [counts.astype(np.uint8) for _, counts in drawn]

    def of(self, predictions: Predictions) -> Floats:
        """Compute the metric on each resample, shape (n_resamples,); NaN where undefined."""
        compute = on_counts(self._metric, predictions)
        return np.concatenate([compute(counts.astype(np.int64)) for counts in self._counts])
