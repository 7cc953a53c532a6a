"""What a study can aim at: a metric of the catalogue, or what a fit costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fivefold.errors import ConfigError, nearest
from fivefold.metrics import METRICS, Goal

if TYPE_CHECKING:
    from fivefold.model.crossvalidation import Outcome

__all__ = ["COSTS", "PRIMARY", "Measure", "measures_of"]

PRIMARY = "primary"
COSTS = {
    "fit_seconds": "seconds of a fit",
    "predict_seconds": "seconds to predict a fold",
    "memory_mb": "memory of a fit (MB)",
    "size_mb": "size of the model (MB)",
    "cost": "cost of a fit",
}


@dataclass(frozen=True)
class Measure:
    """One objective.

    Attributes
    ----------
    name : str
        A metric of the catalogue, or a cost.
    price_per_hour : float
        For ``cost``.
    """

    name: str
    price_per_hour: float = 0.0

    @property
    def goal(self) -> Goal:
        """Which way is better: maximize or minimize."""
        return METRICS[self.name].goal if self.name in METRICS else "minimize"

    @property
    def title(self) -> str:
        """How a person calls it."""
        return METRICS[self.name].title if self.name in METRICS else COSTS[self.name]

    def mean(self, outcomes: Sequence[Outcome]) -> float:
        """Give the mean over folds."""
        return sum(self._of(outcome) for outcome in outcomes) / len(outcomes)

    def _of(self, outcome: Outcome) -> float:
        if self.name in METRICS:
            return float(outcome.scores[self.name] or 0.0)
        if self.name == "cost":
            return (outcome.fit_seconds + outcome.predict_seconds) / 3600 * self.price_per_hour
        return float(getattr(outcome, self.name) or 0.0)


def measures_of(
    names: Sequence[str], primary: str, price_per_hour: float | None
) -> tuple[Measure, ...]:
    """Give the objectives by their names; ``primary`` is the plan's primary metric.

    Raises
    ------
    ConfigError
        A name is unknown or doubled, or a cost has no price.
    """
    found: list[Measure] = []
    for name in names:
        resolved = primary if name == PRIMARY else name
        known = [PRIMARY, *COSTS, *METRICS]
        if resolved not in known:
            raise ConfigError(
                "unknown objective",
                where="tune.objectives",
                got=name,
                allowed=known,
                hint=nearest(name, known),
            )
        if resolved in [item.name for item in found]:
            raise ConfigError("the objective is named twice", where="tune.objectives", got=name)
        if name == "cost" and price_per_hour is None:
            raise ConfigError(
                "a cost needs a price",
                where="tune.price_per_hour",
                got="null",
                allowed="what an hour of this machine costs, above 0",
            )
        found.append(Measure(resolved, price_per_hour or 0.0))
    return tuple(found)
