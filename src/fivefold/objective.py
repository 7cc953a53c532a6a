"""What the plan asks of the model, as the later stages read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from fivefold.metrics import METRICS, Metric, Task

__all__ = ["Objective"]


@dataclass(frozen=True)
class Objective:
    """The part of the charter that decides how models are fitted and judged.

    Attributes
    ----------
    name : str
        The project's name.
    task : {"binary", "multiclass", "regression"}
        What is predicted.
    target : str
        The column that is predicted.
    primary_metric : str
        The metric that ranks.
    metrics : tuple of str
        All metrics to report, the primary one first.
    """

    name: str
    task: Task
    target: str
    primary_metric: str
    metrics: tuple[str, ...]

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Objective:
        """Read what :meth:`to_json` gave."""
        values = {item.name: data[item.name] for item in fields(cls)}
        return cls(**{**values, "metrics": tuple(values["metrics"])})

    def to_json(self) -> dict[str, Any]:
        """Give the objective as plain values."""
        return {**asdict(self), "metrics": list(self.metrics)}

    @property
    def primary(self) -> Metric:
        """The primary metric of the catalogue."""
        return METRICS[self.primary_metric]

    @property
    def is_classification(self) -> bool:
        """True where a class is predicted, and not a number."""
        return self.task != "regression"
