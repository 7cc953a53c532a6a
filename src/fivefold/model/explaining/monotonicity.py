"""Declared directions: whether the prediction moves with a feature as it must, all else equal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fivefold.errors import ConfigError, ModelError, nearest
from fivefold.model.explaining.columns import require_features
from fivefold.model.explaining.dependence import grid_of, tried
from fivefold.model.explaining.probe import Probe
from fivefold.report import format as form

if TYPE_CHECKING:
    from fivefold.table import TableSchema

__all__ = ["checked", "refuse", "require_declared", "violations"]

_EXAMPLES = 5
_WHERE = "explain.monotonic"


def require_declared(
    monotonic: Mapping[str, str], klass: str | None, schema: TableSchema, probe: Probe
) -> int:
    """Refuse directions of what has none, and give the output that they are of.

    Raises
    ------
    ConfigError
        A name that is no feature, a string, or more than two classes and none named.
    """
    require_features(monotonic, schema, _WHERE)
    for name in monotonic:
        if schema.columns[name].dtype == "string":
            raise ConfigError(
                "a string has no order to move along",
                where=f"{_WHERE}.{name}",
                got=monotonic[name],
                allowed=schema.numeric_features or "integer, number and boolean features",
                hint="leave it out, or derive a number from it in clean.steps",
            )
    outputs = [str(output) for output in probe.outputs]
    if len(outputs) == 1:
        return 0
    if klass in outputs:
        return outputs.index(str(klass))
    if klass is None and not monotonic:
        return 0
    raise ConfigError(
        "the class whose score must move is not named" if klass is None else f"no class {klass!r}",
        where="explain.monotonic_class",
        got="null" if klass is None else klass,
        allowed=outputs,
        hint=None if klass is None else nearest(klass, outputs),
    )


def checked(
    probe: Probe,
    features: pd.DataFrame,
    names: Sequence[Mapping[str, Any]],
    train: pd.DataFrame,
    monotonic: Mapping[str, str],
    *,
    output: int,
    size: int,
    tolerance: float,
    schema: TableSchema,
) -> list[dict[str, Any]]:
    """Move rows along each declared feature, and look for moves the wrong way.

    Parameters
    ----------
    probe : Probe
    features : pandas.DataFrame
        The rows that are moved.
    names : sequence of mapping
        The key of each.
    train : pandas.DataFrame
        The training features, whose quantiles are the values tried.
    monotonic : mapping of str to {"increasing", "decreasing"}
    output : int
        Which of the probe's outputs must move.
    size : int
        Values tried.
    tolerance : float
        A move the wrong way up to this size counts for none.
    schema : TableSchema

    Returns
    -------
    list of dict
        Per feature: ``rows``, how many and which share ``violating``, the ``largest`` move the
        wrong way, and ``examples`` with their key.
    """
    found = []
    for feature, direction in monotonic.items():
        grid = grid_of(train, feature, size, schema)
        told: dict[str, Any] = {
            "feature": feature,
            "direction": direction,
            "of": probe.outputs[output],
            "rows": len(features),
            "values": len(grid.values),
        }
        if len(grid.values) < 2:
            # One value, or none: nothing to move along.
            found.append({**told, "violating": None, "largest": None, "examples": []})
            continue
        given = tried(probe, features, feature, grid.values)[:, :, output]
        upward = given if direction == "increasing" else -given
        before = np.maximum.accumulate(upward, axis=1)
        drop = before - upward
        worst = drop.max(axis=1)
        violating = worst > tolerance
        order = np.lexsort((np.arange(len(worst)), -worst))
        examples = []
        for row in order[: min(_EXAMPLES, int(violating.sum()))]:
            low = int(drop[row].argmax())
            high = int(upward[row, : low + 1].argmax())
            examples.append(
                {
                    "key": dict(names[row]),
                    "from": grid.values[high],
                    "to": grid.values[low],
                    "before": float(given[row, high]),
                    "after": float(given[row, low]),
                }
            )
        found.append(
            {
                **told,
                "violating": float(violating.mean()),
                "largest": float(worst.max()),
                "examples": examples,
            }
        )
    return found


def violations(
    found: Sequence[Mapping[str, Any]], written: Callable[[str], str] = str
) -> list[str]:
    """Tell in words which directions don't hold, with features' names as they are written there."""
    return [
        f"{written(item['feature'])}, declared {item['direction']}: "
        f"{form.percent(item['violating'])} of {form.plural(item['rows'], 'row')} move "
        f"the wrong way, by up to {form.number(item['largest'])}."
        for item in found
        if item["violating"]
    ]


def refuse(found: Sequence[Mapping[str, Any]]) -> None:
    """Fail on any violation.

    Raises
    ------
    ModelError
        Names the features.
    """
    told = violations(found)
    if told:
        raise ModelError(
            "the model moves against a declared direction",
            where=_WHERE,
            got="\n".join(told),
            allowed="none, as explain.on_violation is fail",
            hint="train a model with monotonic constraints (monotonic_cst of histogram gradient "
            "boosting), or set explain.on_violation: warn to see examples in reports/explain.html",
        )
