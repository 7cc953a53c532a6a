"""What may be declared as a space, and what is refused before anything is fitted."""

from __future__ import annotations

from typing import Any

import pytest

from fivefold.errors import ConfigError
from fivefold.model.tuning.space import Space

CONDITIONAL = {
    "penalty": {"choices": ["l1", "elasticnet", None]},
    "l1_ratio": {"low": 0.0, "high": 1.0, "when": {"penalty": "elasticnet"}},
}


class Asked:
    """A trial that takes the low end, or the choice it is told."""

    def __init__(self, choice: int = 0) -> None:
        self._choice = choice
        self.asked: dict[str, tuple[Any, ...]] = {}

    def suggest_categorical(self, name: str, choices: list[Any]) -> Any:
        self.asked[name] = tuple(choices)
        return choices[self._choice]

    def suggest_int(self, name: str, low: int, high: int, *, log: bool, step: int) -> int:
        self.asked[name] = (low, high, log, step)
        return low

    def suggest_float(
        self, name: str, low: float, high: float, *, log: bool, step: float | None
    ) -> float:
        self.asked[name] = (low, high, log, step)
        return low


def test_a_range_is_typed_by_its_ends() -> None:
    space = Space.parsed(
        {
            "C": {"low": 0.001, "high": 100, "log": True},
            "max_depth": {"low": 2, "high": 10, "step": 2},
            "layers": {"choices": [[10], [10, 10]]},
        },
        "tune.search",
    )
    trial = Asked(1)
    assert space.ask(trial) == {"C": 0.001, "max_depth": 2, "layers": [10, 10]}
    assert trial.asked["C"] == (0.001, 100.0, True, None)
    assert trial.asked["max_depth"] == (2, 10, False, 2)
    assert space.read({"layers": "[10, 10]", "max_depth": 4}) == {
        "max_depth": 4,
        "layers": [10, 10],
    }


@pytest.mark.parametrize(("choice", "applies"), [(0, False), (1, True), (2, False)])
def test_an_argument_is_asked_for_where_its_condition_holds(choice: int, applies: bool) -> None:
    space = Space.parsed(CONDITIONAL, "tune.search")
    assert ("l1_ratio" in space.ask(Asked(choice))) is applies


@pytest.mark.parametrize(
    ("params", "written"),
    [
        ({"penalty": None, "l1_ratio": 7}, {"penalty": None}),
        ({"penalty": "elasticnet", "l1_ratio": 0.5}, {"penalty": "elasticnet", "l1_ratio": 0.5}),
        ({"penalty": "elasticnet", "l1_ratio": 7}, None),
        ({"penalty": "l2"}, None),
        ({}, None),
    ],
)
def test_arguments_are_written_as_a_trial_or_lie_outside(
    params: dict[str, Any], written: dict[str, Any] | None
) -> None:
    assert Space.parsed(CONDITIONAL, "tune.search").written(params) == written


@pytest.mark.parametrize(
    ("search", "where", "said"),
    [
        ({"C": 3}, "tune.search.C", "is a mapping"),
        ({"C": {"lower": 1}}, "tune.search.C.lower", "did you mean 'low'"),
        ({"C": {"low": 1}}, "tune.search.C.high", "needs both ends"),
        ({"C": {"low": 1, "high": "1e-4"}}, "tune.search.C.high", "1.0e-4 is a number"),
        ({"C": {"low": True, "high": 2}}, "tune.search.C.low", "needs both ends"),
        ({"C": {"low": 2, "high": 1}}, "tune.search.C", "no room"),
        ({"C": {"low": float("nan"), "high": 1.0}}, "tune.search.C.low", "needs both ends"),
        ({"C": {"low": 0.0, "high": float("inf")}}, "tune.search.C.high", "needs both ends"),
        ({"C": {"low": 0, "high": 1, "log": True}}, "tune.search.C", "begins above 0"),
        ({"C": {"low": 1, "high": 9, "log": True, "step": 2}}, "tune.search.C", "one of the two"),
        ({"C": {"low": 1, "high": 9, "step": -1}}, "tune.search.C", "no step"),
        ({"C": {"low": 1, "high": 9, "step": 0.5}}, "tune.search.C", "whole"),
        ({"C": {"low": 1, "high": 9, "log": "yes"}}, "tune.search.C.log", "true or false"),
        ({"C": {"choices": [1]}}, "tune.search.C.choices", "two values or more"),
        ({"C": {"choices": [1, 1]}}, "tune.search.C.choices", "twice"),
        ({"C": {"choices": [1, 2], "low": 1}}, "tune.search.C.choices", "and no range"),
        (
            {"l1_ratio": CONDITIONAL["l1_ratio"], "penalty": CONDITIONAL["penalty"]},
            "tune.search.l1_ratio.when.penalty",
            "declared before",
        ),
        (
            {**CONDITIONAL, "C": {"low": 1, "high": 2, "when": {"penalty": "l3"}}},
            "tune.search.C.when.penalty",
            "never has this value",
        ),
    ],
)
def test_a_mistake_is_named(search: dict[str, Any], where: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Space.parsed(search, "tune.search")
    assert caught.value.where == where
    assert said in str(caught.value)
