"""A candidate: an estimator by its dotted name for each kind of task, and what it wants."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from fivefold.callables import siblings
from fivefold.errors import ConfigError, ModelError, nearest
from fivefold.objective import Objective

__all__ = ["SELECTED", "Candidate", "build_estimator"]

# The name by which train takes the winner of select.
SELECTED = "selected"


@dataclass(frozen=True)
class Candidate:
    """One entry of the menu ``model``.

    Attributes
    ----------
    model : str
        Its name, for people.
    classifier : dict or None
        ``_target_``, a dotted name with scikit-learn's interface, and its arguments.
    regressor : dict or None
        The same, for regression.
    scale : bool
        Does it want numbers of mean 0 and standard deviation 1?
    rare_share : float
        In [0, 1). Categories in fewer than this share of the training rows share one column.
    search : dict
        Under ``classifier`` and ``regressor``, what the tune stage may choose: argument to range.
    """

    model: str = ""
    classifier: dict[str, Any] | None = None
    regressor: dict[str, Any] | None = None
    scale: bool = False
    rare_share: float = 0.001
    search: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 <= self.rare_share < 1:
            raise ConfigError(
                "the share of rare categories is out of bounds",
                where="train.rare_share",
                got=self.rare_share,
                allowed="0 to below 1",
            )

    def for_task(self, task: str) -> Candidate:
        """Drop what another kind of task would need, so that a diff shows what is fitted.

        Parameters
        ----------
        task : str
            A task of the catalogue; empty keeps both.
        """
        if not task:
            return self
        if task == "regression":
            return replace(self, classifier=None, search=_without(self.search, "classifier"))
        return replace(self, regressor=None, search=_without(self.search, "regressor"))

    def declared(self, objective: Objective, where: str) -> Mapping[str, Any]:
        """Give the estimator's declaration for the task.

        Raises
        ------
        ConfigError
            The candidate has no estimator for this task.
        """
        kind = "classifier" if objective.is_classification else "regressor"
        found = self.classifier if objective.is_classification else self.regressor
        if found is None:
            raise ConfigError(
                f"the model {self.model!r} has no {kind}, which the {objective.task} task needs",
                where=f"{where}.{kind}",
                got="null",
                allowed="a mapping with _target_ and the estimator's arguments",
                hint="choose another model of the menu, or give it one in conf/",
            )
        return found


def build_estimator(candidate: Candidate, objective: Objective, seed: int, where: str) -> Any:
    """Build the unfitted estimator that a candidate names for the task.

    Parameters
    ----------
    candidate : Candidate
        Names the estimator.
    objective : Objective
        Its task decides between classifier and regressor.
    seed : int
        Given as ``random_state`` to an estimator that takes one and was not told.
    where : str
        The candidate's place in ``conf/``, for messages.

    Returns
    -------
    object
        An estimator with scikit-learn's interface.

    Raises
    ------
    ConfigError
        The name leads nowhere, or an argument is unknown.
    ModelError
        The estimator refused its arguments.
    """
    from hydra.errors import InstantiationException
    from hydra.utils import instantiate

    declared = dict(candidate.declared(objective, where))
    kind = "classifier" if objective.is_classification else "regressor"
    place = f"{where}.{kind}"
    name = declared.get("_target_")
    if not isinstance(name, str):
        raise ConfigError(
            "an estimator must be named by _target_",
            where=place,
            got=name if name is not None else ", ".join(map(str, declared)) or "nothing",
            allowed="a dotted name, such as sklearn.ensemble.RandomForestClassifier",
        )
    known = _parameters(_found(name, f"{place}._target_"))
    if known is not None:
        for argument in declared:
            if not argument.startswith("_") and argument not in known:
                raise ConfigError(
                    f"{name.rpartition('.')[2]} takes no argument {argument!r}",
                    where=f"{place}.{argument}",
                    got=argument,
                    allowed=known,
                    hint=nearest(argument, known),
                )
    try:
        estimator = instantiate(declared, _convert_="all")
    except (InstantiationException, TypeError, ValueError) as error:
        raise ModelError(
            "the estimator can't be built",
            where=place,
            got=str(error.__cause__ or error).strip(),
            allowed=known,
        ) from error
    for method in ("fit", "predict"):
        if not hasattr(estimator, method):
            raise ModelError(
                f"what was built has no method {method!r}",
                where=f"{place}._target_",
                got=name,
                allowed="an estimator with scikit-learn's interface",
            )
    # Asked of the estimator, not of its signature: XGBoost's takes it among **kwargs.
    params = estimator.get_params(deep=False) if hasattr(estimator, "get_params") else {}
    if "random_state" in params and "random_state" not in declared:
        estimator.set_params(random_state=seed)
    return estimator


def _without(search: Mapping[str, Any], kind: str) -> dict[str, Any]:
    return {key: value for key, value in search.items() if key != kind}


def _found(name: str, where: str) -> Any:
    try:
        return pkgutil.resolve_name(name)
    except (ImportError, AttributeError, ValueError) as error:
        absent = error.name if isinstance(error, ModuleNotFoundError) else None
        extra = absent in ("xgboost", "lightgbm")
        raise ConfigError(
            f"nothing is found under this name ({error})",
            where=where,
            got=name,
            hint="pip install 'fivefold[boosting]'"
            if extra
            else nearest(name, siblings(name))
            or "is the module in src/, or its package installed?",
        ) from None


def _parameters(found: Any) -> list[str] | None:
    """Name the arguments, or give None where anything is taken or nothing is told."""
    try:
        parameters = inspect.signature(found).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(item.kind is item.VAR_KEYWORD for item in parameters):
        return None
    return [item.name for item in parameters]
