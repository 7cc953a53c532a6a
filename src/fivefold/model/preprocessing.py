"""From the schema to the pipeline around an estimator: what it sees is decided here, once."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from fivefold.estimator import Float32Cast
from fivefold.model.candidate import Candidate
from fivefold.table import TableSchema

__all__ = ["MODEL_STEP", "build_pipeline", "fit"]

MODEL_STEP = "model"


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


def fit(pipeline: Pipeline, X: Any, y: Any) -> list[str]:  # noqa: N803
    """Fit a pipeline in place, and give the warnings it raised, each once.

    Parameters
    ----------
    pipeline : Pipeline
        Of :func:`build_pipeline`.
    X : pandas.DataFrame of shape (n_rows, n_features)
        The features.
    y : ndarray of shape (n_rows,)
        The target.

    Returns
    -------
    list of str
        ``"<category>: <first line>"``, sorted.
    """
    # BLAS splits sums by its number of threads, and with it the last digit.
    with (
        warnings.catch_warnings(record=True) as caught,
        threadpool_limits(limits=1, user_api="blas"),
    ):
        warnings.simplefilter("always")
        pipeline.fit(X, y)
    _predict_in_one_thread(pipeline[-1])
    return sorted({f"{w.category.__name__}: {str(w.message).splitlines()[0]}" for w in caught})


def _predict_in_one_thread(estimator: Any) -> None:
    """Set ``n_jobs`` aside after the fit.

    A forest adds its trees' votes as its threads finish, so that several would give another last
    digit each time; and the kept model should not depend on the machine that fitted it.
    """
    if isinstance(estimator, BaseEstimator):
        params = estimator.get_params(deep=False)
        if params.get("n_jobs") not in (None, 1):
            estimator.set_params(n_jobs=1)
