"""Which remedy against bias is built into the model, by choice."""

from __future__ import annotations

from dataclasses import dataclass, field

from fivefold.errors import ConfigError, nearest

__all__ = ["CONSTRAINTS", "METHODS", "Mitigation"]

METHODS = ("none", "reweighing", "threshold_optimizer", "exponentiated_gradient")

CONSTRAINTS = {
    "demographic_parity": "demographic_parity_difference",
    "equalized_odds": "equalized_odds_difference",
    "true_positive_rate_parity": "true_positive_rate_difference",
    "false_positive_rate_parity": "false_positive_rate_difference",
}
"""fairlearn's constraints by name, and the fairness metric that tells how well each is kept."""

OBJECTIVES = ("balanced_accuracy_score", "accuracy_score")


@dataclass(frozen=True)
class Mitigation:
    """A remedy against bias; ``conf/mitigation`` has one file each.

    Attributes
    ----------
    method : {"none", "reweighing", "threshold_optimizer", "exponentiated_gradient"}
        How the groups are brought together.
    columns : list of str
        The columns that make the groups, all together; those of the role sensitive if empty.
    constraint : str
        What the groups should have alike: a key of :data:`CONSTRAINTS`. Reweighing aims at
        demographic parity, whatever is said here; the price is told in it.
    objective : {"balanced_accuracy_score", "accuracy_score"}
        What the threshold optimizer makes as high as can be.
    tolerance : float
        How far apart the groups may be, above 0 and at most 1.
    max_iter : int
        Rounds of the exponentiated gradient, at least 1.
    """

    method: str = "none"
    columns: list[str] = field(default_factory=list)
    constraint: str = "demographic_parity"
    objective: str = "balanced_accuracy_score"
    tolerance: float = 0.02
    max_iter: int = 30

    def __post_init__(self) -> None:
        for name, value, known in (
            ("method", self.method, METHODS),
            ("constraint", self.constraint, tuple(CONSTRAINTS)),
            ("objective", self.objective, OBJECTIVES),
        ):
            if value not in known:
                raise ConfigError(
                    f"the mitigation's {name} is unknown",
                    where=f"train.mitigation.{name}",
                    got=value,
                    allowed=known,
                    hint=nearest(value, known),
                )
        for name, number, good, allowed in (
            ("tolerance", self.tolerance, 0 < self.tolerance <= 1, "above 0, at most 1"),
            ("max_iter", self.max_iter, self.max_iter >= 1, "at least 1"),
        ):
            if not good:
                raise ConfigError(
                    "a number is out of bounds",
                    where=f"train.mitigation.{name}",
                    got=number,
                    allowed=allowed,
                )

    @property
    def is_chosen(self) -> bool:
        """Whether there is one."""
        return self.method != "none"
