"""What is asked of the model, and how finely: the nested parts of the explain stage's config."""

from __future__ import annotations

from dataclasses import dataclass, field

from fivefold.errors import ConfigError, nearest

__all__ = ["CHOICES", "DIRECTIONS", "Dependence", "Robustness", "require", "require_choice"]

CHOICES = ("worst", "random", "highest", "lowest", "borderline")
"""Ways to choose rows whose prediction is taken apart."""
DIRECTIONS = ("increasing", "decreasing")


@dataclass(frozen=True)
class Dependence:
    """What the prediction is along a feature's values.

    Attributes
    ----------
    features : list of str
        The features to draw; the most important ones if empty.
    top : int
        How many of those, at least 0.
    pairs : list of list of str
        Two features each, drawn together.
    grid : int
        Values of a feature that are tried, by quantiles; categories, the most frequent; at least 2.
    rows : int
        Rows that are averaged over, at least 1.
    curves : int
        Rows whose own curve is drawn, at least 0.
    """

    features: list[str] = field(default_factory=list)
    top: int = 6
    pairs: list[list[str]] = field(default_factory=list)
    grid: int = 20
    rows: int = 500
    curves: int = 20

    def __post_init__(self) -> None:
        where = "explain.dependence"
        require(f"{where}.top", self.top, self.top >= 0, "at least 0")
        require(f"{where}.grid", self.grid, self.grid >= 2, "at least 2")
        require(f"{where}.rows", self.rows, self.rows >= 1, "at least 1")
        require(f"{where}.curves", self.curves, self.curves >= 0, "at least 0")
        for pair in self.pairs:
            two = len(pair) == 2 and len(set(pair)) == 2
            require(f"{where}.pairs", ", ".join(pair), two, "two different features each")


@dataclass(frozen=True)
class Robustness:
    """Changes of the input that are tried, each on every column alone and on all together.

    Attributes
    ----------
    max_rows : int
        Rows that are changed, at least 1.
    noise : list of float
        Normal noise on numbers, in shares of their standard deviation, above 0.
    missing : list of float
        Shares of the values that are set missing, in (0, 1].
    shift : list of float
        Moves of all numbers up, and down, in shares of their standard deviation, above 0.
    categories : bool
        Try categories that the model never saw, and the most frequent one for all rows?
    """

    max_rows: int = 2000
    noise: list[float] = field(default_factory=lambda: [0.1, 0.5])
    missing: list[float] = field(default_factory=lambda: [0.1, 1.0])
    shift: list[float] = field(default_factory=lambda: [0.5])
    categories: bool = True

    def __post_init__(self) -> None:
        where = "explain.robustness"
        require(f"{where}.max_rows", self.max_rows, self.max_rows >= 1, "at least 1")
        for level in self.noise:
            require(f"{where}.noise", level, level > 0, "above 0")
        for level in self.missing:
            require(f"{where}.missing", level, 0 < level <= 1, "above 0, at most 1")
        for level in self.shift:
            require(f"{where}.shift", level, level > 0, "above 0; down is tried too")


def require(where: str, got: object, good: bool, allowed: str) -> None:
    """Refuse a value out of bounds.

    Raises
    ------
    ConfigError
        It is not good.
    """
    if not good:
        raise ConfigError("a value is out of bounds", where=where, got=got, allowed=allowed)


def require_choice(where: str, got: str, allowed: tuple[str, ...]) -> None:
    """Refuse a word that is not among those known.

    Raises
    ------
    ConfigError
        Names the nearest.
    """
    if got not in allowed:
        raise ConfigError(
            "the word is unknown", where=where, got=got, allowed=allowed, hint=nearest(got, allowed)
        )
