"""The space that a study searches: arguments of an estimator, typed, some of them conditional."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fivefold.errors import ConfigError, nearest

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

__all__ = ["Dimension", "Space"]

_KEYS = ("low", "high", "log", "step", "choices", "when")
_PLAIN = (str, int, float, bool, type(None))


@dataclass(frozen=True)
class Dimension:
    """One argument and the values it may take.

    Attributes
    ----------
    name : str
        The estimator's argument.
    low, high : int or float or None
        The ends of a range, both included; whole numbers where both are whole.
    log : bool
        Is the range searched by its logarithm?
    step : int or float or None
        The distance of the values of a range.
    choices : tuple or None
        Instead of a range: scalars, or lists.
    when : mapping of str to tuple
        The argument is searched only where others, declared before it, have one of these values.
    """

    name: str
    low: float | None = None
    high: float | None = None
    log: bool = False
    step: float | None = None
    choices: tuple[Any, ...] | None = None
    when: Mapping[str, tuple[Any, ...]] | None = None

    @property
    def whole(self) -> bool:
        """Whether the range's values are whole numbers."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    @property
    def ends(self) -> list[Any]:
        """Values at the space's edge: what an estimator refuses, it refuses there."""
        return list(self.choices) if self.choices is not None else [self.low, self.high]

    @property
    def kept_choices(self) -> list[Any]:
        """The choices as Optuna keeps them."""
        return [_plain(value) for value in self.choices or ()]

    def distribution(self) -> BaseDistribution:
        """Give it as Optuna's."""
        from optuna import distributions as of

        if self.choices is not None:
            return of.CategoricalDistribution(self.kept_choices)
        assert self.low is not None  # noqa: S101 - parsed
        assert self.high is not None  # noqa: S101 - parsed
        if self.whole:
            return of.IntDistribution(
                int(self.low), int(self.high), log=self.log, step=int(self.step or 1)
            )
        return of.FloatDistribution(self.low, self.high, log=self.log, step=self.step)

    def value(self, given: Any) -> Any:
        """Turn what Optuna keeps into the argument's value."""
        if self.choices is None:
            return given
        return next(value for value in self.choices if _plain(value) == given)

    def holds(self, value: Any) -> bool:
        """Tell whether a value lies in it."""
        if self.choices is not None:
            return any(_same(value, choice) for choice in self.choices)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        assert self.low is not None  # noqa: S101 - parsed
        assert self.high is not None  # noqa: S101 - parsed
        on_step = self.step is None or ((value - self.low) / self.step) % 1 == 0
        return (
            self.low <= value <= self.high
            and on_step
            and (isinstance(value, int) or not self.whole)
        )


class Space:
    """The arguments that are searched, in the order they are declared.

    Parameters
    ----------
    dimensions : sequence of Dimension
    where : str
        The space's place in ``conf/``, for messages.
    """

    def __init__(self, dimensions: Sequence[Dimension], where: str) -> None:
        self.dimensions = tuple(dimensions)
        self.where = where

    def __len__(self) -> int:
        return len(self.dimensions)

    @classmethod
    def parsed(cls, search: Mapping[str, Any], where: str) -> Space:
        """Read a declaration: argument to range.

        Raises
        ------
        ConfigError
            A range has no ends, ends in the wrong order, or a condition on what is not declared.
        """
        dimensions: list[Dimension] = []
        for name, given in search.items():
            dimensions.append(_dimension(str(name), given, f"{where}.{name}", dimensions))
        return cls(dimensions, where)

    def ask(self, trial: Any) -> dict[str, Any]:
        """Let a trial of Optuna's choose a value for each argument that applies."""
        params: dict[str, Any] = {}
        for item in self.dimensions:
            if self._applies(item, params):
                given = _suggested(trial, item)
                params[item.name] = item.value(given)
        return params

    def read(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Turn a trial's kept parameters into arguments."""
        return {
            item.name: item.value(given[item.name])
            for item in self.dimensions
            if item.name in given
        }

    def written(self, params: Mapping[str, Any]) -> dict[str, Any] | None:
        """Turn arguments into a trial's parameters, or give None where they lie outside."""
        found: dict[str, Any] = {}
        for item in self.dimensions:
            if not self._applies(item, params):
                continue
            if item.name not in params or not item.holds(params[item.name]):
                return None
            found[item.name] = (
                params[item.name]
                if item.choices is None
                else _plain(next(c for c in item.choices if _same(params[item.name], c)))
            )
        return found

    @staticmethod
    def _applies(item: Dimension, params: Mapping[str, Any]) -> bool:
        return all(
            name in params and any(_same(params[name], value) for value in values)
            for name, values in (item.when or {}).items()
        )


def _dimension(name: str, given: Any, where: str, before: Sequence[Dimension]) -> Dimension:
    if not isinstance(given, Mapping):
        raise ConfigError(
            "an argument's range is a mapping",
            where=where,
            got=given,
            allowed="{low: 0.01, high: 10.0, log: true} or {choices: [l1, l2]}",
        )
    for key in given:
        if key not in _KEYS:
            raise ConfigError(
                f"unknown key {key!r}",
                where=f"{where}.{key}",
                got=key,
                allowed=_KEYS,
                hint=nearest(str(key), _KEYS),
            )
    when = _conditions(given.get("when") or {}, where, before)
    if given.get("choices") is not None:
        return Dimension(name, choices=_choices(given, where), when=when)
    low, high = (_number(given, key, where) for key in ("low", "high"))
    log, step = given.get("log") or False, given.get("step")
    if log not in (True, False):
        raise ConfigError(
            "a range is searched by its logarithm or not",
            where=f"{where}.log",
            got=log,
            allowed="true or false",
        )
    whole = isinstance(low, int) and isinstance(high, int)
    for wrong, what, got, allowed in (
        (low >= high, "the range has no room", f"low {low}, high {high}", "low below high"),
        (log and low <= 0, "a range by logarithm begins above 0", low, "low above 0"),
        (log and step is not None, "a range has a step or a logarithm", step, "one of the two"),
        (step is not None and not _positive(step), "the step is no step", step, "above 0"),
        (
            whole and isinstance(step, float),
            "the step of whole numbers is whole",
            step,
            "a whole number, or ends such as 1.0",
        ),
    ):
        if wrong:
            raise ConfigError(what, where=where, got=got, allowed=allowed)
    if not whole:
        low, high = float(low), float(high)
    return Dimension(name, low, high, log, step, when=when)


def _positive(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def _number(given: Mapping[str, Any], key: str, where: str) -> int | float:
    value = given.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ConfigError(
            "a range needs both ends, as numbers",
            where=f"{where}.{key}",
            got="nothing" if value is None else value,
            allowed="low and high, or choices (YAML takes 1e-4 for a text; 1.0e-4 is a number)",
        )
    return value


def _choices(given: Mapping[str, Any], where: str) -> tuple[Any, ...]:
    choices = given["choices"]
    beside = [key for key in ("low", "high", "log", "step") if given.get(key) is not None]
    if not isinstance(choices, list) or len(choices) < 2 or beside:
        raise ConfigError(
            "choices are a list of two values or more, and no range",
            where=f"{where}.choices",
            got=", ".join([str(choices), *beside]),
            allowed="such as {choices: [sqrt, log2, null]}",
        )
    twice = next((v for i, v in enumerate(choices) if any(_same(v, w) for w in choices[:i])), None)
    if twice is not None:
        raise ConfigError("a choice is named twice", where=f"{where}.choices", got=twice)
    return tuple(choices)


def _conditions(
    when: Any, where: str, before: Sequence[Dimension]
) -> dict[str, tuple[Any, ...]] | None:
    if not isinstance(when, Mapping):
        raise ConfigError(
            "a condition is a mapping",
            where=f"{where}.when",
            got=when,
            allowed="another argument to its value or values, such as {solver: saga}",
        )
    earlier = {item.name: item for item in before}
    found: dict[str, tuple[Any, ...]] = {}
    for name, value in when.items():
        values = tuple(value) if isinstance(value, list) else (value,)
        if name not in earlier:
            raise ConfigError(
                "a condition is on an argument that is declared before",
                where=f"{where}.when.{name}",
                got=name,
                allowed=list(earlier) or "none is",
                hint=nearest(str(name), list(earlier)) or "move it above in the search",
            )
        wrong = next((item for item in values if not earlier[name].holds(item)), None)
        if wrong is not None or not values:
            raise ConfigError(
                f"{name} never has this value",
                where=f"{where}.when.{name}",
                got=wrong,
                allowed=[str(item) for item in earlier[name].ends],
            )
        found[str(name)] = values
    return found or None


def _plain(value: Any) -> Any:
    """Give a choice as Optuna keeps it: a list as its JSON."""
    return value if isinstance(value, _PLAIN) else json.dumps(value)


def _same(one: Any, other: Any) -> bool:
    # To Python, True is 1.
    return isinstance(one, bool) is isinstance(other, bool) and one == other


def _suggested(trial: Any, item: Dimension) -> Any:
    if item.choices is not None:
        return trial.suggest_categorical(item.name, item.kept_choices)
    if item.whole:
        step = int(item.step or 1)
        return trial.suggest_int(item.name, item.low, item.high, log=item.log, step=step)
    return trial.suggest_float(item.name, item.low, item.high, log=item.log, step=item.step)
