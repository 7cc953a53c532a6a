"""Early stopping on validation rows, for the estimators that have it."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

from fivefold.errors import ConfigError

__all__ = ["EarlyStopping", "rounds_used", "stopping_arguments"]


@dataclass(frozen=True)
class EarlyStopping:
    """When a fit that goes in rounds ends.

    Attributes
    ----------
    rounds : int
        After so many rounds that brought no improvement on the validation rows, at least 1.
    """

    rounds: int = 20

    def __post_init__(self) -> None:
        if self.rounds < 1:
            raise ConfigError(
                "a number is out of bounds",
                where="train.early_stopping.rounds",
                got=self.rounds,
                allowed="at least 1",
            )


def stopping_arguments(
    estimator: Any,
    stopping: EarlyStopping,
    X: Any,  # noqa: N803
    y: Any,
) -> dict[str, Any]:
    """Set an estimator to stop early, and give the arguments that its ``fit`` needs for it.

    Parameters
    ----------
    estimator : object
        Unfitted.
    stopping : EarlyStopping
    X, y : array-like
        The validation rows, preprocessed.

    Raises
    ------
    ConfigError
        The estimator has no early stopping.
    """
    root = type(estimator).__module__.partition(".")[0]
    if root == "lightgbm":
        import lightgbm

        callback = lightgbm.early_stopping(stopping.rounds, verbose=False)
        # 4.7 warns of this argument, but takes no classes that are texts by the new ones.
        return {"eval_set": [(X, y)], "callbacks": [callback]}
    if root == "xgboost":
        estimator.set_params(early_stopping_rounds=stopping.rounds)
        return {"eval_set": [(X, y)], "verbose": False}
    known = estimator.get_params(deep=False) if hasattr(estimator, "get_params") else {}
    if "n_iter_no_change" not in known:
        raise ConfigError(
            f"{type(estimator).__name__} has no early stopping",
            where="train.early_stopping",
            got=f"rounds: {stopping.rounds}",
            allowed="HistGradientBoosting, GradientBoosting, MLP and SGD estimators, LightGBM and "
            "XGBoost",
            hint="set train.early_stopping: null, or choose another model",
        )
    estimator.set_params(n_iter_no_change=stopping.rounds)
    if "early_stopping" in known:
        estimator.set_params(early_stopping=True)
    # Others cut rows of their own, by chance, from those they are given.
    takes = inspect.signature(estimator.fit).parameters
    return {"X_val": X, "y_val": y} if "X_val" in takes else {}


def rounds_used(model: Any) -> int | None:
    """Give how many rounds a fitted estimator went, or None where it doesn't say."""
    for name in ("best_iteration_", "best_iteration", "n_iter_", "n_estimators_"):
        value = getattr(model, name, None)
        if value is not None and not hasattr(value, "__len__"):
            return int(value) + (name == "best_iteration")
    return None
