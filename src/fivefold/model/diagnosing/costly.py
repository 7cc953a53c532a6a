"""The rows that cost most, with what is known of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fivefold.errors import ConfigError, nearest
from fivefold.model.diagnosing.rows import Judged, plain

if TYPE_CHECKING:
    from fivefold.model.diagnose import DiagnoseConfig, ErrorCosts

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
        Costs are declared for a regression, or for a class that there is not.
    """
    loss = judged.loss.values
    cost = None if config.cost is None else _costs(judged, config.cost)
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


def _costs(judged: Judged, declared: ErrorCosts) -> Floats:
    p = judged.predictions
    if p.classes is None:
        raise ConfigError(
            "a regression has no classes that could be wrong",
            where="diagnose.cost",
            allowed="null",
            hint="its rows are ranked by their loss",
        )
    true, predicted = ([str(v) for v in plain(side.tolist())] for side in _sides(judged))
    known = sorted({*(str(v) for v in plain(np.asarray(p.classes).tolist())), *true})
    for name in (*declared.matrix, *(n for row in declared.matrix.values() for n in row)):
        if name not in known:
            raise ConfigError(
                "a cost is declared for a class that there is not",
                where="diagnose.cost.matrix",
                got=name,
                allowed=known,
                hint=nearest(name, known),
            )
    positive = str(plain(np.asarray(p.classes).tolist())[-1])
    binary = len(np.asarray(p.classes)) <= 2

    def cost(given: str, told: str) -> float:
        if told in declared.matrix.get(given, {}):
            return declared.matrix[given][told]
        if given == told:
            return 0.0
        if not binary:
            return 1.0
        return declared.false_negative if given == positive else declared.false_positive

    pairs = list(zip(true, predicted, strict=True))
    by_pair = {pair: cost(*pair) for pair in set(pairs)}
    return np.array([by_pair[pair] for pair in pairs])


def _sides(judged: Judged) -> tuple[NDArray[Any], NDArray[Any]]:
    return judged.predictions.y_true, np.asarray(judged.predictions.label)
