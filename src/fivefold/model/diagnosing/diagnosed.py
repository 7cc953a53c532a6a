"""All that is found about the errors, as one report of plain values."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np

from fivefold.errors import ConfigError, DataError, nearest
from fivefold.features import target_array
from fivefold.model.diagnosing.attributes import attributes_of
from fivefold.model.diagnosing.by_feature import by_feature
from fivefold.model.diagnosing.confusions import confusions
from fivefold.model.diagnosing.costly import costly_rows
from fivefold.model.diagnosing.losses import row_loss
from fivefold.model.diagnosing.quality import by_quality
from fivefold.model.diagnosing.rows import LEAST_BLOCKS, Judged, blocks_of, halves
from fivefold.model.diagnosing.slices import worst_slices
from fivefold.model.predicted import read_predictions
from fivefold.objective import Objective
from fivefold.scoring import Predictions
from fivefold.table import TableSchema, require_columns, to_arrow

if TYPE_CHECKING:
    from fivefold.model.diagnose import DiagnoseConfig

__all__ = ["diagnosed"]


def diagnosed(
    predictions: nw.LazyFrame[Any],
    train: nw.LazyFrame[Any],
    test: nw.LazyFrame[Any],
    schema: TableSchema,
    objective: Objective,
    config: DiagnoseConfig,
) -> dict[str, Any]:
    """Look for the errors; see :func:`fivefold.model.diagnose.diagnose`."""
    dtypes = _dtypes(schema, config)
    names = list(dict.fromkeys([*config.key, *dtypes, *_block_column(schema, config)]))
    require_columns(test, names, where="diagnose", table="the test part")
    require_columns(train, dtypes, where="diagnose", table="the training part")
    rows, learnt = to_arrow(test.select(*names)), to_arrow(train.select(*dtypes))
    p = _read(predictions, train, test, schema, objective, config)
    if not len(p):
        raise DataError(
            "the test part has no rows", where="diagnose", hint="look at the split's sizes"
        )
    loss = row_loss(p, objective, config.loss)
    named = [blocks_of(rows[name], name) for name in _block_column(schema, config)]
    blocks = next((item for item in named if item.count >= LEAST_BLOCKS), None)
    attributes = attributes_of(
        learnt, rows, dtypes, bins=config.bins, categories=config.max_categories
    )
    searched = halves(len(p), blocks, config.seed)
    judged = Judged(rows, schema, objective, p, loss, tuple(attributes), blocks, searched)
    slices, search = worst_slices(judged, config)
    return {
        "rows": len(p),
        "confidence": config.confidence,
        "loss": {"name": loss.name, "title": loss.title, "mean": float(loss.values.mean())},
        "blocks": {**named[0].to_json(), "used": blocks is not None} if named else None,
        "search": search,
        "slices": slices,
        "costly": costly_rows(judged, config),
        "confusions": confusions(judged, config),
        "features": by_feature(judged, config),
        "quality": by_quality(judged, learnt, config),
    }


def _dtypes(schema: TableSchema, config: DiagnoseConfig) -> dict[str, str]:
    """Name the columns that are looked at, with their types."""
    for name in config.columns:
        if name not in schema.columns or schema.columns[name].role == "target":
            allowed = [name for name, item in schema.columns.items() if item.role != "target"]
            raise ConfigError(
                "the column can't make slices",
                where="diagnose.columns",
                got=name,
                allowed=allowed,
                hint=nearest(name, allowed),
            )
    own = schema.with_role("group", "sensitive", "time")
    times = [name for name in own if schema.columns[name].dtype not in ("datetime", "date")]
    # A time that is a number only grows: what the test part has of it, training never saw.
    growing = {name for name in times if schema.columns[name].role == "time"}
    names = dict.fromkeys([*schema.features, *own, *config.columns])
    return {
        name: schema.columns[name].dtype
        for name in names
        if name not in growing or name in config.columns
    }


def _block_column(schema: TableSchema, config: DiagnoseConfig) -> list[str]:
    if config.blocks == "none":
        return []
    if config.blocks != "auto":
        return [config.blocks]
    return [
        name
        for name in schema.with_role("time")
        if schema.columns[name].dtype in ("datetime", "date")
    ][:1]


def _read(
    predictions: nw.LazyFrame[Any],
    train: nw.LazyFrame[Any],
    test: nw.LazyFrame[Any],
    schema: TableSchema,
    objective: Objective,
    config: DiagnoseConfig,
) -> Predictions:
    p = read_predictions(predictions, test, objective, config.key)
    if p.value is not None:
        return p
    if objective.task == "binary":
        # A test part may lack a class, and its predictions too.
        learnt = target_array(train, schema, objective)
        p = replace(p, classes=np.unique(np.concatenate([learnt, p.y_true])))
    if p.score is None:
        return p
    within = bool(((p.score >= 0) & (p.score <= 1)).all())
    sums = p.score.sum(axis=1) if p.score.ndim == 2 else np.ones(1)
    return replace(p, probabilistic=within and bool(np.allclose(sums, 1, atol=1e-3)))
