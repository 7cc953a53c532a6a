"""Build a remedy against bias into a pipeline; each gives a pipeline that predicts as any other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import VotingClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import LabelEncoder, OrdinalEncoder
from sklearn.utils.validation import has_fit_parameter

from fivefold.errors import ConfigError
from fivefold.estimator import Float32Cast
from fivefold.groupthresholds import GroupThresholds
from fivefold.model.fitting import Rows
from fivefold.model.folds import Folds
from fivefold.model.groupwise import choose_thresholds
from fivefold.model.mitigation import Mitigation
from fivefold.model.preprocessing import MODEL_STEP, fit, predict_in_one_thread, recorded
from fivefold.objective import Objective
from fivefold.table import TableSchema

__all__ = [
    "GroupedRows",
    "Remedied",
    "fit_remedied",
    "require_task",
    "require_weights",
    "reweighed",
]

_WHERE = "train.mitigation"
# Of more groups than this each has too few rows for a threshold of its own.
_MOST_GROUPS = 50


@dataclass(frozen=True)
class Remedied:
    """A fitted pipeline with the remedy in it.

    Attributes
    ----------
    pipeline : sklearn.pipeline.Pipeline
        Fitted.
    warned : list of str
        What fitting warned of.
    found : dict
        What the remedy settled on, in plain values.
    """

    pipeline: Pipeline
    warned: list[str]
    found: Mapping[str, Any]


@dataclass(frozen=True)
class GroupedRows(Rows):
    """The rows to fit on, and the group of each.

    Attributes
    ----------
    codes : ndarray of int, shape (n_rows,)
        Each row's group.
    at : ndarray of int, shape (n_rows,)
        Where they stand in the training part, for the folds.
    """

    codes: NDArray[np.intp]
    at: NDArray[np.intp]

    def take(self, rows: NDArray[np.intp]) -> GroupedRows:
        """Give some of them, by position."""
        plain = super().take(rows)
        return GroupedRows(plain.features, plain.y, plain.weights, self.codes[rows], self.at[rows])


def fit_remedied(
    pipeline: Pipeline,
    rows: GroupedRows,
    columns: tuple[str, ...],
    mitigation: Mitigation,
    schema: TableSchema,
    folds: Folds,
) -> Remedied:
    """Fit an unfitted pipeline with the remedy.

    Parameters
    ----------
    pipeline : Pipeline
        Unfitted, of :func:`fivefold.model.preprocessing.build_pipeline`; is left as it is.
    rows : GroupedRows
        What to fit on.
    columns : tuple of str
        The columns that make the groups.
    mitigation : Mitigation
        One that is chosen.
    schema : TableSchema
        Says which columns are features.
    folds : Folds
        Hold rows out for thresholds.

    Raises
    ------
    ConfigError
        The remedy does not fit the estimator or the features.
    ModelError
        The remedy's own fit failed.
    """
    if mitigation.method == "reweighing":
        return _reweighing(pipeline, rows)
    if mitigation.method == "threshold_optimizer":
        return _threshold_optimizer(pipeline, rows, columns, mitigation, schema, folds)
    return _exponentiated_gradient(pipeline, rows, mitigation)


def reweighed(rows: GroupedRows) -> NDArray[np.float64]:
    """Weigh rows so that group and class are independent; the weights in all stay the same.

    Kamiran and Calders (2012), Data preprocessing techniques for classification without
    discrimination, *Knowledge and Information Systems* 33: the expected over the observed share,
    times the weight that a row has already.

    Returns
    -------
    ndarray of shape (n_rows,)
        At least 0.
    """
    classes, of_class = np.unique(rows.y, return_inverse=True)
    given = np.ones(len(rows.y)) if rows.weights is None else rows.weights
    n_groups = int(rows.codes.max()) + 1
    cell = rows.codes * len(classes) + of_class
    joint = np.bincount(cell, given, n_groups * len(classes)).reshape(n_groups, len(classes))
    expected = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0) / given.sum()
    observed = joint[rows.codes, of_class]
    weights: NDArray[np.float64] = given * np.divide(
        expected[rows.codes, of_class], observed, out=np.zeros_like(given), where=observed > 0
    )
    return weights


def require_task(mitigation: Mitigation, objective: Objective) -> None:
    """Refuse a remedy that the task has no classes for."""
    allowed = ("binary", "multiclass") if mitigation.method == "reweighing" else ("binary",)
    if objective.task not in allowed:
        raise ConfigError(
            f"the remedy {mitigation.method} does not fit the task",
            where=f"{_WHERE}.method",
            got=objective.task,
            allowed=allowed,
            hint="mitigation: none"
            if objective.task == "regression"
            else "mitigation: reweighing, or none",
        )


def require_weights(pipeline: Pipeline, method: str) -> None:
    """Refuse an estimator that takes no sample weights."""
    estimator = pipeline[-1]
    if not has_fit_parameter(estimator, "sample_weight"):
        raise ConfigError(
            f"{type(estimator).__name__} takes no sample weights, which {method} needs",
            where=f"{_WHERE}.method",
            got=method,
            hint="choose another model (logistic, tree, forest, boosting), or threshold_optimizer",
        )


def _reweighing(pipeline: Pipeline, rows: GroupedRows) -> Remedied:
    require_weights(pipeline, "reweighing")
    fitted = clone(pipeline)
    weights = reweighed(rows)
    warned = fit(fitted, rows.features, rows.y, weights=weights)
    return Remedied(
        fitted, warned, {"weights": {"min": float(weights.min()), "max": float(weights.max())}}
    )


def _threshold_optimizer(
    pipeline: Pipeline,
    rows: GroupedRows,
    columns: tuple[str, ...],
    mitigation: Mitigation,
    schema: TableSchema,
    folds: Folds,
) -> Remedied:
    absent = [name for name in columns if name not in schema.features]
    if absent:
        raise ConfigError(
            "a threshold per group needs the group at prediction, and the column is no feature",
            where=f"validate.columns.{absent[0]}",
            got=f"role {schema.columns[absent[0]].role}, feature: false"
            if absent[0] in schema.columns
            else "not in the schema",
            hint="set feature: true on it in conf/schema.yaml, or choose reweighing, which needs "
            "the groups for fitting only",
        )
    if not hasattr(pipeline[-1], "predict_proba"):
        raise ConfigError(
            "the threshold optimizer needs probabilities",
            where=f"{_WHERE}.method",
            got=type(pipeline[-1]).__name__,
            hint="choose an estimator with predict_proba, or reweighing",
        )
    if rows.codes.max() >= _MOST_GROUPS:
        raise ConfigError(
            "there are too many groups for a threshold each",
            where=f"{_WHERE}.columns",
            got=f"{', '.join(columns)}: {int(rows.codes.max()) + 1:,} groups",
            allowed=f"at most {_MOST_GROUPS}",
            hint="cut numbers into ranges in clean.steps, or name fewer columns",
        )
    score, held = _out_of_fold(pipeline, rows, folds)
    positive = rows.y == np.unique(rows.y)[-1]
    groups, held_codes = np.unique(rows.codes[held], return_inverse=True)
    thresholds = choose_thresholds(
        score,
        positive[held],
        held_codes,
        constraint=mitigation.constraint,
        objective=mitigation.objective,
        tolerance=mitigation.tolerance,
    )
    whole = _with_groups(pipeline, columns, schema)
    whole[:-1].fit(rows.features)
    values = np.asarray(whole[:-1].transform(rows.features))[:, -len(columns) :]
    firsts = [int(np.flatnonzero(rows.codes == group)[0]) for group in groups]
    model = GroupThresholds(
        whole[-1],
        # What is missing equals nothing, and takes the default.
        group_values=values[firsts],
        thresholds=thresholds,
        default=float(np.median(thresholds)),
    )
    fitted = Pipeline([*whole.steps[:-1], (MODEL_STEP, model)])
    warned = fit(fitted, rows.features, rows.y, weights=rows.weights)
    told = {int(group): float(at) for group, at in zip(groups, thresholds, strict=True)}
    return Remedied(fitted, warned, {"thresholds": told})


def _out_of_fold(
    pipeline: Pipeline, rows: GroupedRows, folds: Folds
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Score rows by models that were not fitted on them; give the scores, and which rows."""
    scores, held = [], []
    for train, test in folds.split(rows.at, rows.y):
        part = rows.take(train)
        model = clone(pipeline)
        fit(model, part.features, part.y, weights=part.weights)
        scores.append(np.asarray(model.predict_proba(rows.features.iloc[test]))[:, 1])
        held.append(test)
    return np.concatenate(scores), np.concatenate(held)


def _with_groups(pipeline: Pipeline, columns: tuple[str, ...], schema: TableSchema) -> Pipeline:
    """Let the sensitive columns pass beside the features, the last, each as one number."""
    features = pipeline[0]
    texts = [name for name in columns if name in schema.categorical_features]
    encoder = OrdinalEncoder(dtype=np.float32, handle_unknown="use_encoded_value", unknown_value=-1)
    branches = [
        (f"group_{index}", clone(encoder) if name in texts else Float32Cast(), [name])
        for index, name in enumerate(columns)
    ]
    joined = ColumnTransformer(
        [*features.transformers, *branches],
        # A column stands for itself and for its group.
        verbose_feature_names_out=True,
    )
    return Pipeline([(pipeline.steps[0][0], joined), (MODEL_STEP, clone(pipeline[-1]))])


def _exponentiated_gradient(
    pipeline: Pipeline, rows: GroupedRows, mitigation: Mitigation
) -> Remedied:
    try:
        from fairlearn import reductions
    except ImportError as error:
        raise ConfigError(
            "the exponentiated gradient needs fairlearn",
            where=f"{_WHERE}.method",
            got=str(error),
            hint="pip install 'fivefold[bias]'",
        ) from error
    require_weights(pipeline, "exponentiated_gradient")
    if not hasattr(pipeline[-1], "predict_proba"):
        raise ConfigError(
            "the fits vote by their probabilities, which this estimator has not",
            where=f"{_WHERE}.method",
            got=type(pipeline[-1]).__name__,
            hint="choose an estimator with predict_proba, or reweighing",
        )
    moment = {
        "demographic_parity": reductions.DemographicParity,
        "equalized_odds": reductions.EqualizedOdds,
        "true_positive_rate_parity": reductions.TruePositiveRateParity,
        "false_positive_rate_parity": reductions.FalsePositiveRateParity,
    }[mitigation.constraint]
    encoder = LabelEncoder().fit(rows.y)
    whole = clone(pipeline)
    X = whole[:-1].fit_transform(rows.features, rows.y)  # noqa: N806
    reduction = reductions.ExponentiatedGradient(
        whole[-1],
        constraints=moment(difference_bound=mitigation.tolerance),
        max_iter=mitigation.max_iter,
    )
    with recorded(X) as told:
        reduction.fit(X, encoder.transform(rows.y), sensitive_features=rows.codes)
    weights = np.asarray(reduction.weights_.sort_index(), dtype=np.float64)
    used = [(i, float(w)) for i, w in enumerate(weights) if w > 1e-6]
    models = [_of_both_classes(reduction.predictors_[i], X) for i, _ in used]
    vote = _voting(models, [weight for _, weight in used], encoder)
    fitted = Pipeline([*whole.steps[:-1], (MODEL_STEP, vote)])
    return Remedied(
        fitted,
        told,
        {"models": len(models), "rounds": int(reduction.last_iter_) + 1},
    )


def _of_both_classes(model: Any, X: Any) -> Any:  # noqa: N803
    """Let a model that answers one class only know of the other, so that it can vote."""
    predict_in_one_thread(model)
    if len(model.classes_) == 2:
        return model
    only = int(model.classes_[0])
    return DummyClassifier(strategy="constant", constant=only).fit(X[:2], [0, 1])


def _voting(models: list[Any], weights: list[float], encoder: LabelEncoder) -> VotingClassifier:
    """Let fitted models vote by the weighted mean of their probabilities.

    fairlearn draws one of them at random for every answer; so one row would get two answers, and
    no file could hold the model.
    """
    named = [(f"fit_{index}", model) for index, model in enumerate(models)]
    vote = VotingClassifier(
        named, voting="soft", weights=np.array(weights), flatten_transform=False
    )
    vote.estimators_ = models
    vote.le_ = encoder
    vote.classes_ = encoder.classes_
    return vote
