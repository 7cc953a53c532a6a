"""The block of metadata above a card, which the hub's tools read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import yaml

from fivefold.metrics import METRICS

if TYPE_CHECKING:
    from fivefold.model.cards.model_card import Findings
    from fivefold.model.document import DocumentConfig
    from fivefold.objective import Objective

__all__ = ["front_matter", "model_metadata", "size_category", "slug", "task_category"]

# The hub's own names, where they differ from scikit-learn's.
_METRIC_TYPES = {
    "root_mean_squared_error": "rmse",
    "mean_absolute_error": "mae",
    "mean_squared_error": "mse",
    "r2": "r_squared",
}
_SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
    (100_000_000, "10M<n<100M"),
)


def front_matter(metadata: Mapping[str, Any]) -> str:
    """Write metadata as the block above a card; what is None or empty is left out."""
    kept = {key: value for key, value in metadata.items() if value not in (None, [], {}, "")}
    text = yaml.safe_dump(kept, sort_keys=False, allow_unicode=True, width=100)
    return f"---\n{text}---\n\n"


def slug(name: str) -> str:
    """Write a name as the hub does.

    Examples
    --------
    >>> slug("Late flights")
    'late-flights'
    """
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "model"


def task_category(objective: Objective) -> str:
    """Give the hub's name of the task."""
    return "tabular-classification" if objective.is_classification else "tabular-regression"


def size_category(rows: int) -> str:
    """Give the hub's class of a data set's size.

    Examples
    --------
    >>> size_category(38_858)
    '10K<n<100K'
    """
    return next((name for most, name in _SIZES if rows < most), "100M<n<1B")


def model_metadata(found: Findings, config: DocumentConfig) -> dict[str, Any]:
    """Give a model card's metadata: licence, task, and the results on the test part."""
    objective = found.objective
    task = task_category(objective)
    results = [
        {
            "type": _METRIC_TYPES.get(name, name),
            "value": found.metrics[name],
            "name": METRICS[name].title,
        }
        for name in objective.metrics
        if found.metrics.get(name) is not None
    ]
    content = found.split.get("test_content")
    dataset = {"type": slug(objective.name), "name": objective.name, "split": "test"}
    return {
        "license": config.license,
        "library_name": "sklearn",
        "pipeline_tag": task,
        "tags": list(dict.fromkeys(["sklearn", "skops", "onnx", "fivefold", *config.tags])),
        "metrics": [item["type"] for item in results],
        "model-index": [
            {
                "name": slug(objective.name),
                "results": [
                    {
                        "task": {"type": task, "name": objective.task},
                        "dataset": {**dataset, "revision": content} if content else dataset,
                        "metrics": results,
                    }
                ],
            }
        ],
    }
