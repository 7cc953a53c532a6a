"""From the schema to the pipeline around an estimator: what it sees is decided here, once."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils.validation import has_fit_parameter
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from fivefold.errors import ConfigError, DataError
from fivefold.estimator import Float32Cast
from fivefold.model.candidate import Candidate
from fivefold.model.stopping import EarlyStopping, Part, fit_until, require_rounds
from fivefold.table import TableSchema

__all__ = ["MODEL_STEP", "build_pipeline", "fit", "predict_in_one_thread", "recorded"]

MODEL_STEP = "model"

# Up to so many cells of the features a fit is left to one thread.
_FEW_CELLS = 2_000_000


def build_pipeline(schema: TableSchema, candidate: Candidate, estimator: Any) -> Pipeline:
    """Put the preprocessing that the schema asks for before an estimator.

    Numbers are cast to float32 first, so that whatever is learned of them (medians, thresholds) is
    learned of the numbers that ONNX will see; missing ones take the median, standardised if the
    candidate wants it. Categories become one column each, rare ones share one, unseen ones are
    zero in all: of scikit-learn's ways with rare and unseen categories this is the one that
    skl2onnx 1.20 converts right, and it can't convert the imputer's missing indicator.

    Parameters
    ----------
    schema : TableSchema
        Names the features and their types.
    candidate : Candidate
        Says whether to scale, and which categories are rare.
    estimator : object
        Unfitted.

    Returns
    -------
    Pipeline
        Unfitted, for the frame of :func:`fivefold.features.feature_frame`.
    """
    numeric: list[tuple[str, Any]] = [
        ("cast", Float32Cast()),
        ("impute", SimpleImputer(strategy="median", keep_empty_features=True)),
    ]
    if candidate.scale:
        numeric.append(("scale", StandardScaler()))
    categorical = OneHotEncoder(
        dtype=np.float32,
        handle_unknown="ignore",
        min_frequency=candidate.rare_share or None,
        # Dense: boosting takes nothing else, and a few hundred float32 columns fit.
        sparse_output=False,
    )
    branches: list[tuple[str, Any, list[str]]] = []
    if schema.numeric_features:
        branches.append(("numeric", Pipeline(numeric), schema.numeric_features))
    if schema.categorical_features:
        branches.append(("categorical", categorical, schema.categorical_features))
    columns = ColumnTransformer(branches, verbose_feature_names_out=False)
    return Pipeline([("features", columns), (MODEL_STEP, estimator)])


def fit(
    pipeline: Pipeline,
    X: Any,  # noqa: N803
    y: Any,
    *,
    weights: Any = None,
    stopping: EarlyStopping | None = None,
    validation: tuple[Any, Any, Any] | None = None,
) -> list[str]:
    """Fit a pipeline in place, and give the warnings it raised, each once.

    Parameters
    ----------
    pipeline : Pipeline
        Of :func:`build_pipeline`.
    X : pandas.DataFrame of shape (n_rows, n_features)
        The features.
    y : ndarray of shape (n_rows,)
        The target.
    weights : ndarray of shape (n_rows,), optional
        How much each row counts.
    stopping : EarlyStopping, optional
        When the estimator's rounds end.
    validation : tuple of (pandas.DataFrame, ndarray, ndarray or None), optional
        The features, the target and the weights of the rows that tell it.

    Returns
    -------
    list of str
        ``"<category>: <first line>"``, sorted.

    Raises
    ------
    ConfigError
        The estimator takes no weights, or has no early stopping.
    DataError
        The weights sum to zero.
    """
    features, model = pipeline[:-1], pipeline[-1]
    if weights is not None:
        _require_weights(model, weights, y)
    if stopping is not None:
        require_rounds(model, stopping)
    with recorded(X) as told:
        fitted = Part(features.fit_transform(X, y), y, weights)
        if stopping is None or validation is None:
            model.fit(fitted.X, y, **fitted.weighted())
        else:
            held = Part(features.transform(validation[0]), *validation[1:])
            fit_until(model, fitted, held, stopping)
    predict_in_one_thread(pipeline[-1])
    return told


@contextmanager
def recorded(X: Any) -> Iterator[list[str]]:  # noqa: N803
    """Fit the same on every machine, and hear what is warned of.

    Parameters
    ----------
    X : array-like of shape (n_rows, n_features)
        What is fitted on.

    Yields
    ------
    list of str
        ``"<category>: <first line>"``, sorted, each once; filled when the context ends.
    """
    told: list[str] = []
    # BLAS splits sums by its number of threads, and with it the last digit. OpenMP does not; but on
    # few rows its threads wait for one another longer than they work, where the machine is busy.
    api = None if X.size <= _FEW_CELLS else "blas"
    with (
        warnings.catch_warnings(record=True) as caught,
        _thread_pools(len(sys.modules)).limit(limits=1, user_api=api),
    ):
        warnings.simplefilter("always")
        warnings.filterwarnings("ignore", message="The argument 'eval_set' is deprecated")
        yield told
    told += sorted({f"{w.category.__name__}: {str(w.message).splitlines()[0]}" for w in caught})


def _require_weights(model: Any, weights: Any, y: Any) -> None:
    if not has_fit_parameter(model, "sample_weight"):
        raise ConfigError(
            f"{type(model).__name__} takes no weights",
            where="train.weight",
            allowed="an estimator whose fit has the argument sample_weight",
            hint="set train.weight: null, or choose another model",
        )
    if not weights.sum() > 0:
        raise DataError(
            "the weights of the rows to fit sum to zero, so that none counts",
            where="train.weight",
            got=f"{len(y):,} rows",
            allowed="some weight above 0 among them",
        )


@lru_cache(maxsize=1)
def _thread_pools(_n_modules: int) -> ThreadpoolController:
    """Find the libraries that run threads, again only where a module has brought more.

    To look through all that is loaded takes milliseconds, as long as a small fit.
    """
    return ThreadpoolController()


def predict_in_one_thread(estimator: Any) -> None:
    """Set ``n_jobs`` aside after the fit.

    A forest adds its trees' votes as its threads finish, so that several would give another last
    digit each time; and the kept model should not depend on the machine that fitted it.
    """
    if isinstance(estimator, BaseEstimator):
        params = estimator.get_params(deep=False)
        if params.get("n_jobs") not in (None, 1):
            estimator.set_params(n_jobs=1)
