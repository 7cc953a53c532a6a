"""The rows that cost most, with what is known of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fivefold.errors import ConfigError, nearest
from fivefold.model.diagnosing.rows import Judged, plain

if TYPE_CHECKING:
    from fivefold.model.diagnose import DiagnoseConfig

__all__ = ["costly_rows"]

Floats = NDArray[np.float64]


def costly_rows(judged: Judged, config: DiagnoseConfig) -> dict[str, Any]:
    """Rank the rows by what their errors cost, equal ones by their loss.

    Returns
    -------
    dict
        ``ranked_by``: ``cost`` where costs are declared, else ``loss``; ``total_cost`` and
        ``mean_cost`` over all rows; ``top_share``: of all losses, or costs, the share of the
        costliest hundredth of the rows; ``rows``: the key, the target, the prediction, its score,
        the loss, the cost and the features of each.

    Raises
    ------
    ConfigError
        Costs are declared for a regression, for other than two classes, or for a class that there
        is not.
    """
    loss = judged.loss.values
    cost = _costs(judged, config) if config.costs or config.cost_matrix else None
    ranked = loss if cost is None else cost
    order = np.lexsort((np.arange(len(loss)), -loss, -ranked))
    top = order[: max(1, len(order) // 100)]
    total = float(ranked.sum())
    return {
        "ranked_by": "loss" if cost is None else "cost",
        "total_cost": None if cost is None else total,
        "mean_cost": None if cost is None else total / len(loss),
        "top_share": float(ranked[top].sum()) / total if total > 0 else None,
        "rows": _rows(judged, order[: config.rows], cost, config),
    }


def _rows(
    judged: Judged, chosen: NDArray[np.intp], cost: Floats | None, config: DiagnoseConfig
) -> list[dict[str, Any]]:
    p, schema = judged.predictions, judged.schema
    table = judged.test.select([*dict.fromkeys([*config.key, *schema.features])]).take(chosen)
    cells = {name: plain(table[name].to_pylist()) for name in table.column_names}
    part = p.take(chosen)
    predicted = part.label if part.value is None else part.value
    target, said = plain(part.y_true.tolist()), plain(np.asarray(predicted).tolist())
    score = None if part.score is None else part.score
    if score is not None and score.ndim == 2:
        score = score.max(axis=1)
    found = []
    for at, row in enumerate(chosen):
        told: dict[str, Any] = {
            "key": {name: cells[name][at] for name in config.key},
            "target": target[at],
            "predicted": said[at],
            "score": None if score is None else float(score[at]),
            "loss": float(judged.loss.values[row]),
            "cost": None if cost is None else float(cost[row]),
            "features": {name: cells[name][at] for name in schema.features},
        }
        found.append(told)
    return found


def _costs(judged: Judged, config: DiagnoseConfig) -> Floats:
    """Give what each row costs more than if it had been predicted right, shape (n_rows,)."""
    p = judged.predictions
    if p.classes is None or p.label is None:
        raise ConfigError(
            "a regression has no classes that could be wrong",
            where="diagnose.costs, diagnose.cost_matrix",
            hint="leave them out: its rows are ranked by their loss",
        )
    classes = [str(value) for value in plain(np.asarray(p.classes).tolist())]
    if config.costs is not None and len(classes) > 2:
        raise ConfigError(
            "there are more than two classes",
            where="diagnose.costs",
            got=", ".join(classes),
            hint="declare diagnose.cost_matrix: by the true class, then by the predicted one",
        )
    true, predicted = ([str(v) for v in plain(side.tolist())] for side in (p.y_true, p.label))
    _require_known(config.cost_matrix, sorted({*classes, *true}))
    pairs = list(zip(true, predicted, strict=True))
    by_pair = {
        pair: _cost(*pair, classes[-1], config) - _cost(pair[0], pair[0], classes[-1], config)
        for pair in set(pairs)
    }
    return np.array([by_pair[pair] for pair in pairs], dtype=np.float64)


def _cost(true: str, predicted: str, positive: str, config: DiagnoseConfig) -> float:
    if predicted in config.cost_matrix.get(true, {}):
        return config.cost_matrix[true][predicted]
    costs = config.costs
    if costs is None:
        return float(true != predicted)
    if true == positive:
        return costs.true_positive if predicted == positive else costs.false_negative
    return costs.false_positive if predicted == positive else costs.true_negative


def _require_known(matrix: Mapping[str, Mapping[str, float]], known: Sequence[str]) -> None:
    for name in (*matrix, *(inner for row in matrix.values() for inner in row)):
        if name not in known:
            raise ConfigError(
                "a cost is declared for a class that there is not",
                where="diagnose.cost_matrix",
                got=name,
                allowed=known,
                hint=nearest(name, known),
            )
