"""The fairness catalogue: names, directions, and which limits are refused."""

from __future__ import annotations

from typing import Any

import pytest

from fivefold.errors import ConfigError, PlanError
from fivefold.fairness import FAIRNESS, check_fairness, columns_of, fairness_for
from fivefold.history.diff.gate import judge_plan
from fivefold.history.diff.weakened import judge_weakened
from fivefold.history.dvc.values import FileValues
from fivefold.history.goals import Goals, Plan, read_plan
from fivefold.metrics import TASKS
from fivefold.pipeline.typed import typed
from fivefold.plan.plan import PlanConfig, plan
from fivefold.report import render_html

DP = "demographic_parity_difference"


def planned(**fairness: Any) -> PlanConfig:
    values = {"name": "loans", "task": "binary", "target": "y", "primary_metric": "roc_auc"}
    config: PlanConfig = typed(PlanConfig, {**values, "fairness": fairness}, "plan")
    return config


def test_fairlearn_has_the_names_that_it_has() -> None:
    metrics = pytest.importorskip("fairlearn.metrics")
    ours_alone = ("calibration_gap", "mean_error", "mean_prediction", "mean_absolute_error")
    for name in FAIRNESS:
        if name.startswith((*ours_alone, "precision_score")) or "_group_" in name:
            continue
        assert hasattr(metrics, name), name


@pytest.mark.parametrize("task", TASKS)
def test_a_difference_is_better_when_lower_and_a_ratio_when_higher(task: str) -> None:
    names = fairness_for(task)
    assert len(names) > 5
    for name in names:
        if name.endswith(("_difference", "_ratio")):
            wanted = "minimize" if name.endswith("_difference") else "maximize"
            assert Goals().direction(f"sex, age.{name}").goal == wanted
            assert Goals().direction(f"metrics/assess.json:sex.{name}").source == "catalogue"
    assert Goals().direction("sex.accuracy_score_group_min").goal == ("maximize")


def test_columns_are_split_at_commas_but_not_within_a_name() -> None:
    assert columns_of("sex,age") == ("sex", "age")
    assert columns_of("income, EUR", ["income, EUR"]) == ("income, EUR",)


@pytest.mark.parametrize(
    ("limits", "where", "says"),
    [
        ({"sex": {"demographic_party_difference": {"max": 0.1}}}, "sex", f"did you mean '{DP}'"),
        ({"sex": {"mean_error_difference": {"max": 1}}}, "sex", "does not fit the task"),
        ({"sex": {DP: {"min": 0.1}}}, f"sex.{DP}", "limited by max"),
        ({"sex": {"demographic_parity_ratio": {"max": 0.8}}}, "sex.demographic", "by min"),
        ({"sex": {DP: {"max": 1.5}}}, f"sex.{DP}.max", "0 to 1"),
        ({"sex": {DP: {}}}, f"sex.{DP}", "and nothing else"),
        ({"sex": {}}, "sex", "no fairness metric"),
        ({"sex, sex": {DP: {"max": 0.1}}}, "sex, sex", "name no group"),
        ({"sex, ": {DP: {"max": 0.1}}}, "sex, ", "name no group"),
        ({"y": {DP: {"max": 0.1}}}, "y", "the target"),
    ],
)
def test_limits_that_make_no_sense(limits: Any, where: str, says: str) -> None:
    with pytest.raises(PlanError) as caught:
        check_fairness(limits, "binary", "plan.fairness", "y")
    assert str(caught.value.where).startswith(f"plan.fairness.{where}")
    assert says in str(caught.value)


def test_the_plan_checks_and_tells_them() -> None:
    made = plan(planned(**{"sex, age": {DP: {"max": 0.1}}}))
    assert made.charter["fairness"] == {"sex, age": {DP: {"max": 0.1}}}
    assert "demographic parity difference" in render_html(made.page)
    assert "sex, age" in made.text
    with pytest.raises(PlanError, match="limited by max"):
        planned(sex={DP: {"min": 0.1}})
    with pytest.raises(ConfigError):
        planned(sex={DP: {"max": "little"}})
    with pytest.raises(ConfigError):
        planned(sex=0.1)


def read(limit: float) -> Plan:
    raw = {"plan": {"primary_metric": "roc_auc", "fairness": {"sex, age": {DP: {"max": limit}}}}}
    found = read_plan({"params.yaml": FileValues(raw)})
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("value", "ends", "passed", "note"),
    [
        (0.05, (0.02, 0.08), True, ""),
        (0.08, (0.02, 0.13), True, "allows for the limit being broken"),
        (0.12, (0.08, 0.15), False, "allows for the limit being kept"),
        (0.20, (0.15, 0.25), False, ""),
        (None, None, False, ""),
    ],
)
def test_a_limit_is_a_guardrail(value: Any, ends: Any, passed: bool, note: str) -> None:
    name = f"sex, age.{DP}"
    raw: dict[str, Any] = {name: value, "interval": {}}
    if ends:
        raw["interval"][name] = {"low": ends[0], "high": ends[1]}
    held = read(0.1)
    gates = judge_plan(held, {"metrics/assess.json": FileValues(raw)}, Goals(held))
    (gate,) = (gate for gate in gates if gate.kind == "guardrail")
    assert (gate.name, gate.passed) == (f"guardrail.{name}.max", passed)
    assert gate.failed is not passed
    assert note in gate.note
    assert bool(gate.note) is bool(note)


def test_a_looser_limit_weakens_the_plan() -> None:
    before, after = read(0.1), read(0.2)
    (gate,) = judge_weakened(before, after, Goals(before), Goals(after))
    assert gate.failed
    assert gate.name == f"weakened.guardrail.sex, age.{DP}.max"
    assert not judge_weakened(after, before, Goals(after), Goals(before))
