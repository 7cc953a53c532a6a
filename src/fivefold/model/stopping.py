"""Early stopping on validation rows, for the estimators that have it."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fivefold.errors import ConfigError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["EarlyStopping", "Part", "fit_until", "most_rounds", "require_rounds", "rounds_used"]

# An improvement on the validation rows that is none, as scikit-learn's estimators have it.
_TOLERANCE = 1e-4


@dataclass(frozen=True)
class EarlyStopping:
    """When a fit that goes in rounds ends.

    Attributes
    ----------
    rounds : int
        After so many rounds that brought no improvement on the validation rows, at least 1.
    validation : float
        In (0, 1). The share of the rows to fit that are held out for it; no other decision sees
        them.
    """

    rounds: int = 20
    validation: float = 0.1

    def __post_init__(self) -> None:
        for name, value, good, allowed in (
            ("rounds", self.rounds, self.rounds >= 1, "at least 1"),
            ("validation", self.validation, 0 < self.validation < 1, "above 0, below 1"),
        ):
            if not good:
                raise ConfigError(
                    "a number is out of bounds",
                    where=f"train.early_stopping.{name}",
                    got=value,
                    allowed=allowed,
                )


@dataclass(frozen=True)
class Part:
    """Preprocessed rows.

    Attributes
    ----------
    X : ndarray of shape (n_rows, n_columns)
    y : ndarray of shape (n_rows,)
    weights : ndarray of shape (n_rows,) or None
    """

    X: Any
    y: NDArray[Any]
    weights: NDArray[np.float64] | None = None

    def weighted(self, name: str = "sample_weight") -> dict[str, Any]:
        """Give the weights as an argument; none where there are none."""
        return {} if self.weights is None else {name: self.weights}


_Fit = Callable[[Any, Part, Part, int], None]


def require_rounds(estimator: Any, stopping: EarlyStopping) -> None:
    """Make sure that an estimator can stop early.

    Raises
    ------
    ConfigError
        It has no rounds, or shows none.
    """
    if _way(estimator) is None:
        raise ConfigError(
            f"{type(estimator).__name__} has no early stopping",
            where="train.early_stopping",
            got=f"rounds: {stopping.rounds}",
            allowed="HistGradientBoosting, GradientBoosting, MLP (solver adam or sgd), SGD, "
            "Perceptron and PassiveAggressive estimators, LightGBM and XGBoost",
            hint="set train.early_stopping: null, or choose another model",
        )


def fit_until(model: Any, fitted: Part, held: Part, stopping: EarlyStopping) -> None:
    """Fit an estimator, in place, until the validation rows gain nothing more.

    scikit-learn's own early stopping draws validation rows at random, which leaks where rows of
    one time or group belong together; so every estimator is given its validation rows here.

    Parameters
    ----------
    model : object
        Of those that :func:`require_rounds` lets pass; unfitted.
    fitted, held : Part
        The rows that are fitted, and those that end it.
    stopping : EarlyStopping
    """
    way = _way(model)
    if way is None:
        raise TypeError(f"{type(model).__name__} has no early stopping")
    way(model, fitted, held, stopping.rounds)


def most_rounds(model: Any) -> int | None:
    """Give how many rounds an estimator may go at most, or None where it isn't told."""
    known = model.get_params(deep=False) if hasattr(model, "get_params") else {}
    most = known.get("max_iter", known.get("n_estimators"))
    return None if most is None else int(most)


def rounds_used(model: Any) -> int | None:
    """Give how many rounds a fitted estimator has, or None where it doesn't say."""
    for name in ("best_iteration_", "best_iteration", "n_estimators_", "n_iter_"):
        value = getattr(model, name, None)
        if value is not None and not hasattr(value, "__len__"):
            return int(value) + (name == "best_iteration")
    return None


def _way(model: Any) -> _Fit | None:
    """Tell by what its ``fit`` takes how an estimator stops early."""
    takes = inspect.signature(model.fit).parameters
    known = model.get_params(deep=False) if hasattr(model, "get_params") else {}
    if "X_val" in takes:
        return _histogram
    if {"eval_set", "callbacks"} <= takes.keys():
        return _lightgbm
    if "eval_set" in takes and "early_stopping_rounds" in known:
        return _xgboost
    if {"early_stopping", "max_iter"} <= known.keys() and hasattr(model, "partial_fit"):
        return _by_epochs
    if "n_iter_no_change" in known and hasattr(type(model), "staged_predict"):
        return _by_stages
    return None


def _histogram(model: Any, fitted: Part, held: Part, rounds: int) -> None:
    model.set_params(early_stopping=True, n_iter_no_change=rounds)
    more = held.weighted("sample_weight_val")
    model.fit(fitted.X, fitted.y, X_val=held.X, y_val=held.y, **fitted.weighted(), **more)


def _lightgbm(model: Any, fitted: Part, held: Part, rounds: int) -> None:
    import lightgbm

    model.fit(
        fitted.X,
        fitted.y,
        # 4.7 warns of this argument, but takes no classes that are texts by the new ones.
        eval_set=[(held.X, held.y)],
        eval_sample_weight=None if held.weights is None else [held.weights],
        callbacks=[lightgbm.early_stopping(rounds, verbose=False)],
        **fitted.weighted(),
    )


def _xgboost(model: Any, fitted: Part, held: Part, rounds: int) -> None:
    import xgboost

    # The rounds after the best are cut off: the booster's text, of which ONNX is made, has all.
    stop = xgboost.callback.EarlyStopping(rounds=rounds, save_best=True)
    own = model.get_params(deep=False).get("callbacks")
    model.set_params(callbacks=[*(own or []), stop])
    model.fit(
        fitted.X,
        fitted.y,
        eval_set=[(held.X, held.y)],
        sample_weight_eval_set=None if held.weights is None else [held.weights],
        verbose=False,
        **fitted.weighted(),
    )
    model.set_params(callbacks=own)


def _by_epochs(model: Any, fitted: Part, held: Part, rounds: int) -> None:
    """Go over the rows until the loss stays, and keep the best state."""
    seed = getattr(model, "random_state", None)
    generator = np.random.default_rng(seed if isinstance(seed, int) else 0)
    takes = inspect.signature(model.partial_fit).parameters
    more = {"classes": np.unique(fitted.y)} if "classes" in takes else {}
    best, state, used, since = np.inf, dict(model.__dict__), 0, 0
    for epoch in range(1, model.max_iter + 1):
        order = generator.permutation(len(fitted.y))
        weights = {} if fitted.weights is None else {"sample_weight": fitted.weights[order]}
        model.partial_fit(fitted.X[order], fitted.y[order], **weights, **more)
        now = _loss(model, held)
        if now < best - _TOLERANCE:
            best, state, used, since = now, copy.deepcopy(model.__dict__), epoch, 0
        else:
            since += 1
        if since >= rounds:
            break
    model.__dict__.update(state)
    model.n_iter_ = used


def _by_stages(model: Any, fitted: Part, held: Part, rounds: int) -> None:
    """Fit all rounds, look where the loss stays, and fit again with as many."""
    model.set_params(n_iter_no_change=None)
    model.fit(fitted.X, fitted.y, **fitted.weighted())
    stages = model.staged_predict_proba if hasattr(model, "predict_proba") else model.staged_predict
    best, used = np.inf, 1
    for number, given in enumerate(stages(held.X), start=1):
        now = _measured(model, given, held)
        if now < best - _TOLERANCE:
            best, used = now, number
        elif number - used >= rounds:
            break
    model.set_params(n_estimators=used)
    model.fit(fitted.X, fitted.y, **fitted.weighted())


def _loss(model: Any, held: Part) -> float:
    if hasattr(model, "predict_proba"):
        return _measured(model, model.predict_proba(held.X), held)
    if hasattr(model, "classes_"):
        return -float(model.score(held.X, held.y, **held.weighted()))
    return _measured(model, model.predict(held.X), held)


def _measured(model: Any, given: NDArray[Any], held: Part) -> float:
    """Give the log loss of probabilities, or the share of the variance that is not explained."""
    from sklearn.metrics import log_loss, r2_score

    more: Mapping[str, Any] = held.weighted()
    if given.ndim == 2 and hasattr(model, "classes_"):
        return float(log_loss(held.y, given, labels=model.classes_, **more))
    return -float(r2_score(held.y, given, **more))
