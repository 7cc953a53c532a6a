from __future__ import annotations

import json
from typing import Any

import pytest

from fivefold.errors import ConfigError, PlanError
from fivefold.metrics import METRICS, TASKS
from fivefold.pipeline.typed import typed
from fivefold.plan.plan import PlanConfig, plan
from fivefold.report import Chart, render_html

SOUND: dict[str, Any] = {
    "name": "late-flights",
    "task": "binary",
    "target": "late",
    "primary_metric": "roc_auc",
    "metrics": ["brier_score", "recall"],
    "problem": "Passengers miss connections because nobody warns them.",
    "objective": "Warn the evening before; missed connections fall by a tenth.",
    "thresholds": {"acceptable": 0.65, "excellent": 0.75},
    "guardrails": {"brier_score": {"max": 0.2}, "recall": {"min": 0.1, "max": 0.9}},
    "budget": {"compute_hours": 2.5, "cost": 100, "currency": "EUR", "deadline": "2026-12-31"},
    "roles": {
        "owner": {"name": "Ada", "handle": "@ada", "phases": ["plan", "monitor"]},
        "engineers": {"name": "Grace's team", "phases": ["data", "model", "deploy"]},
    },
    "stakeholders": ["passengers"],
    "assumptions": ["The weather is known a day before."],
    "risks": [{"risk": "Airlines change their buffers.", "response": "Monitor monthly."}],
}


def build(**changes: Any) -> PlanConfig:
    config: PlanConfig = typed(PlanConfig, {**SOUND, **changes}, "plan")
    return config


def charts_of(config: PlanConfig) -> list[Chart]:
    sections = plan(config).page.sections
    return [block for section in sections for block in section.blocks if isinstance(block, Chart)]


def test_the_charter_keeps_what_was_written_down() -> None:
    planned = plan(build())
    assert planned.charter["thresholds"] == {"acceptable": 0.65, "excellent": 0.75}
    assert planned.charter["metrics"] == {
        "roc_auc": "maximize",
        "brier_score": "minimize",
        "recall": "maximize",
    }
    assert planned.charter["open"] == []
    assert json.loads(json.dumps(planned.charter, allow_nan=False)) == planned.charter
    assert planned.objective.metrics == ("roc_auc", "brier_score", "recall")
    assert planned.objective.target == "late"


def test_the_objective_changes_only_with_what_models_depend_on() -> None:
    other = build(problem="Another text.", thresholds={"acceptable": 0.7}, roles={}, risks=[])
    assert plan(other).objective == plan(build()).objective
    assert plan(build(target="cancelled")).objective != plan(build()).objective


def test_text_and_page_say_the_same() -> None:
    planned = plan(build())
    for words in ("missed connections fall", "Airlines change their buffers.", "@ada"):
        assert words in planned.text
        assert words in render_html(planned.page)
    assert render_html(planned.page) == render_html(plan(build()).page)


def test_the_goal_is_drawn_with_its_marks() -> None:
    goal, *guardrails = charts_of(build())
    zones = goal.spec["layer"][0]["data"]["values"]
    assert [(zone["zone"], zone["from"], zone["to"]) for zone in zones] == [
        ("insufficient", 0, 0.65),
        ("acceptable", 0.65, 0.75),
        ("excellent", 0.75, 1),
    ]
    assert [chart.title for chart in guardrails] == ["Brier score", "recall"]
    assert [zone["zone"] for zone in guardrails[1].spec["layer"][0]["data"]["values"]] == [
        "forbidden",
        "allowed",
        "forbidden",
    ]


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_can_be_the_goal(name: str) -> None:
    metric = METRICS[name]
    better, worse = (0.8, 0.3) if metric.goal == "maximize" else (0.3, 0.8)
    config = build(
        task=metric.tasks[0],
        primary_metric=name,
        metrics=[],
        guardrails={},
        thresholds={"acceptable": worse, "excellent": better},
    )
    (goal,) = charts_of(config)
    zones = {
        zone["zone"]: (zone["from"], zone["to"]) for zone in goal.spec["layer"][0]["data"]["values"]
    }
    assert list(zones) == ["insufficient", "acceptable", "excellent"]
    assert zones["acceptable"] == (min(better, worse), max(better, worse))
    assert all(low < high for low, high in zones.values())
    assert better in zones["excellent"]


@pytest.mark.parametrize(
    "thresholds", [{"excellent": 0.9}, {"acceptable": 1.0}, {"acceptable": 0.0, "excellent": 0.0}]
)
def test_marks_at_the_ends_can_be_drawn(thresholds: dict[str, float]) -> None:
    assert len(charts_of(build(thresholds=thresholds, guardrails={}))) == 1
    mae = {"task": "regression", "primary_metric": "mean_absolute_error", "metrics": []}
    assert len(charts_of(build(thresholds=thresholds, guardrails={}, **mae))) == 1


def test_a_thin_plan_is_allowed_and_says_what_is_open() -> None:
    thin = {key: SOUND[key] for key in ("name", "task", "target", "primary_metric")}
    planned = plan(typed(PlanConfig, thin, "plan"))
    assert planned.charter["open"] == [
        "Which problem is solved, and for whom?",
        "What does the organisation want to reach?",
        "From which ROC AUC on may the model be used?",
        "Who answers for plan, data, model, deploy and monitor?",
    ]
    assert "No marks are set" in planned.text
    assert planned.objective.metrics == ("roc_auc",)


def test_a_primary_metric_among_the_others_is_reported_once() -> None:
    assert plan(build(metrics=["recall", "roc_auc"])).objective.metrics == ("roc_auc", "recall")


@pytest.mark.parametrize(
    ("changes", "where", "words"),
    [
        ({"task": "binari"}, "plan.task", "did you mean 'binary'?"),
        ({"task": "infer"}, "plan.task", "fivefold schema infer"),
        ({"primary_metric": "infer"}, "plan.primary_metric", "fivefold schema infer"),
        ({"target": " "}, "plan.target", "no target"),
        ({"primary_metric": "roc_au"}, "plan.primary_metric", "did you mean 'roc_auc'?"),
        ({"primary_metric": "r2"}, "plan.primary_metric", "set task: regression"),
        ({"task": "regression"}, "plan.primary_metric", "root_mean_squared_error"),
        ({"metrics": ["recall", "r2"]}, "plan.metrics.1", "does not fit"),
        ({"metrics": ["recall", "recall"]}, "plan.metrics.1", "twice"),
        ({"thresholds": {"acceptable": 1.2}}, "plan.thresholds.acceptable", "0 to 1"),
        ({"thresholds": {"acceptable": float("nan")}}, "plan.thresholds.acceptable", "finite"),
        ({"thresholds": {"acceptable": 0.8, "excellent": 0.7}}, "plan.thresholds", "swap"),
        ({"guardrails": {"briar_score": {"max": 1}}}, "plan.guardrails", "brier_score"),
        ({"guardrails": {"recall": {}}}, "plan.guardrails.recall", "neither min nor max"),
        ({"guardrails": {"recall": {"min": 2}}}, "plan.guardrails.recall.min", "0 to 1"),
        ({"guardrails": {"recall": {"min": 0.9, "max": 0.1}}}, "plan.guardrails.recall", "above"),
        ({"guardrails": {"roc_auc": {"min": 0.5}}}, "plan.guardrails.roc_auc", "thresholds"),
        ({"budget": {"compute_hours": -1}}, "plan.budget.compute_hours", "0 or more"),
        ({"budget": {"person_days": float("inf")}}, "plan.budget.person_days", "0 or more"),
        ({"budget": {"cost": 1}}, "plan.budget.currency", "ISO 4217"),
        ({"budget": {"deadline": "soon"}}, "plan.budget.deadline", "ISO 8601"),
        ({"roles": {"owner": {"phases": ["plan"]}}}, "plan.roles.owner", "nobody"),
        (
            {"roles": {"owner": {"name": "A", "phases": ["deply"]}}},
            "plan.roles.owner.phases",
            "did you mean 'deploy'?",
        ),
        ({"risks": [{"response": "Hope."}]}, "plan.risks.0.risk", "what may happen"),
    ],
)
def test_a_contradiction_is_refused(changes: dict[str, Any], where: str, words: str) -> None:
    with pytest.raises(PlanError) as caught:
        build(**changes)
    assert caught.value.where == where
    assert words in str(caught.value)


def test_lower_is_better_turns_the_order_around() -> None:
    loss = {"primary_metric": "log_loss", "metrics": []}
    assert build(thresholds={"acceptable": 0.5, "excellent": 0.4}, **loss)
    with pytest.raises(PlanError, match="better when lower"):
        build(thresholds={"acceptable": 0.4, "excellent": 0.5}, **loss)


def test_a_misspelt_key_is_named() -> None:
    with pytest.raises(ConfigError, match="did you mean 'thresholds'"):
        build(treshholds={})
    with pytest.raises(ConfigError, match="did you mean 'compute_hours'"):
        build(budget={"compute_hour": 1})
    with pytest.raises(ConfigError, match=r"plan\.target"):
        typed(PlanConfig, {key: SOUND[key] for key in SOUND if key != "target"}, "plan")


def test_the_tasks_each_have_metrics() -> None:
    for task in TASKS:
        fitting = [name for name, metric in METRICS.items() if task in metric.tasks]
        assert build(task=task, primary_metric=fitting[0], metrics=fitting[1:], guardrails={},
                     thresholds={})  # fmt: skip


def test_the_smallest_difference_is_kept_and_shown() -> None:
    planned = plan(build(smallest_difference=0.01))
    assert planned.charter["smallest_difference"] == 0.01
    assert "smallest difference" in planned.text
    assert build().smallest_difference is None


@pytest.mark.parametrize("value", [0.0, -0.01, 1.5, float("nan"), float("inf")])
def test_a_difference_that_the_metric_cannot_have_is_refused(value: float) -> None:
    with pytest.raises(PlanError) as caught:
        build(smallest_difference=value)
    assert caught.value.where == "plan.smallest_difference"
    assert "at most 1" in str(caught.value)
    build(task="regression", primary_metric="r2", metrics=[], guardrails={}, thresholds={},
          smallest_difference=7.0)  # fmt: skip
