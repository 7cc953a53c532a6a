"""``fivefold.yaml``: what a plain DVC repository declares for Fivefold."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fivefold.errors import HistoryError
from fivefold.history.diff.compare import compare
from fivefold.history.leaderboard.ranking import rank_runs
from fivefold.history.leaderboard.standings import Leaderboard
from fivefold.history.runs import default_tips
from fivefold.history.settings import Predictions, Settings, plan_of, read_settings

from .conftest import PARAMS, Project

WHOLE = """
    metric: top5
    goals: {top5: maximize, stalls: minimize, b.json:zeal: minimize}
    metrics: [stalls]
    thresholds: {acceptable: 0.8, excellent: 0.95}
    guardrails: {stalls: {max: 3}, top5: {min: 0.1, max: 1}}
    data: [data/holdout.csv]
    predictions: {path: out/rows.csv, key: id, target: label, score: p, task: binary}
"""


@pytest.fixture
def plain(new_project: Callable[..., Project]) -> Project:
    """Two runs of a repository whose metrics' names tell nothing."""
    project = new_project(dvc=False)
    project.write("dvc.yaml", "metrics: [a.json]\n")
    for top5, stalls in ((0.9, 4), (0.85, 2)):
        project.write("a.json", {"top5": top5, "stalls": stalls})
        project.commit(f"top5 {top5}")
    return project


def settings(project: Project) -> Settings:
    reader = project.reader()
    return read_settings(reader, reader.repository.snapshot(reader.repository.workspace()))


def ranked(project: Project, **options: object) -> Leaderboard:
    reader = project.reader()
    return rank_runs(reader, default_tips(reader.repository), **options)  # type: ignore[arg-type]


def test_every_key(plain: Project) -> None:
    plain.write("fivefold.yaml", WHOLE)
    found = settings(plain)
    assert found == Settings(
        metric="top5",
        goals={"top5": "maximize", "stalls": "minimize", "b.json:zeal": "minimize"},
        metrics=("stalls",),
        thresholds={"acceptable": 0.8, "excellent": 0.95},
        guardrails={"stalls": {"max": 3.0}, "top5": {"min": 0.1, "max": 1.0}},
        data=("data/holdout.csv",),
        predictions=Predictions("out/rows.csv", "label", ("id",), "p", None, "binary"),
    )


def test_without_a_file_nothing_is_set(plain: Project) -> None:
    assert settings(plain) == Settings()
    plain.write("fivefold.yaml", "# nothing yet\n")
    assert settings(plain) == Settings()


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        ("[a]", "fivefold.yaml", "not a mapping"),
        ("metric: [", "fivefold.yaml", "can't be read"),
        ("metrik: a", "fivefold.yaml", "did you mean 'metric'"),
        ("metric: 3", "fivefold.yaml: metric", "not a name"),
        ("goals: {a: up}", "fivefold.yaml: goals.a", "maximize, minimize"),
        ("goals: {a: maximise}", "fivefold.yaml: goals.a", "did you mean 'maximize'"),
        ("goals: [a]", "fivefold.yaml: goals", "METRIC: maximize or minimize"),
        ("metrics: a", "fivefold.yaml: metrics", "not a list"),
        ("metrics: [1]", "fivefold.yaml: metrics[0]", "not a name"),
        ("metrics: [a]", "fivefold.yaml: metrics", "metric: NAME"),
        ("{metric: a, thresholds: {good: 1}}", "fivefold.yaml: thresholds", "acceptable"),
        (
            "{metric: a, thresholds: {acceptable: high}}",
            "fivefold.yaml: thresholds.acceptable",
            "not a number",
        ),
        (
            "{metric: accuracy, thresholds: {acceptable: 0.9, excellent: 0.8}}",
            "fivefold.yaml: thresholds",
            "excellent is worse than acceptable",
        ),
        ("{metric: a, guardrails: {a: {}}}", "fivefold.yaml: guardrails.a", "min below max"),
        ("{metric: a, guardrails: {a: {min: 2, max: 1}}}", "fivefold.yaml: guardrails.a", "max"),
        ("{metric: a, guardrails: {a: {low: 2}}}", "fivefold.yaml: guardrails.a", "min, max"),
        ("{metric: a, guardrails: {a: {max: .nan}}}", "fivefold.yaml: guardrails.a.max", "finite"),
        ("predictions: {path: a}", "fivefold.yaml: predictions.target", "needs a target"),
        (
            "predictions: {path: a, target: y, task: ranking}",
            "fivefold.yaml: predictions.task",
            "binary, multiclass, regression",
        ),
    ],
)
def test_a_mistake_names_file_and_key(plain: Project, text: str, where: str, message: str) -> None:
    plain.write("fivefold.yaml", text)
    with pytest.raises(HistoryError) as caught:
        settings(plain)
    assert caught.value.where == where
    assert message in str(caught.value)


def test_a_leaderboard_asks_and_is_told(plain: Project) -> None:
    with pytest.raises(HistoryError, match=r"write in fivefold.yaml: goals: \{top5: maximize\}"):
        ranked(plain)
    with pytest.raises(HistoryError, match=r"write in fivefold.yaml: goals: \{stalls: maximize\}"):
        ranked(plain, metric="stalls")
    plain.write("fivefold.yaml", "goals: {stalls: minimize}\n")
    # The working tree's counts before it is committed.
    found = ranked(plain)
    assert (found.board.primary, found.board.goal, found.board.source) == (
        "stalls",
        "minimize",
        "settings",
    )
    assert [row.value for row in found.rows] == [2, 4]
    plain.write("fivefold.yaml", WHOLE)
    found = ranked(plain)
    assert [(row.value, dict(row.metrics)) for row in found.rows] == [
        (0.9, {"stalls": 4}),
        (0.85, {"stalls": 2}),
    ]
    assert not found.notes


def test_a_diff_is_judged_by_the_heads(plain: Project) -> None:
    reader = plain.reader()
    base, head = reader.repository.resolve("HEAD~1"), reader.repository.resolve("HEAD")
    assert compare(reader, base, head).outcome == "unknown"
    plain.write("fivefold.yaml", WHOLE)
    plain.commit("Say what counts")
    reader = plain.reader()
    told = compare(reader, base, reader.repository.resolve("HEAD"))
    assert "worse: top5 0.9 → 0.85" in told.verdict
    assert told.primary == "top5"
    changes = {change.name: (change.judgement, change.source) for change in told.metrics}
    assert changes == {"top5": ("worse", "settings"), "stalls": ("better", "settings")}
    gates = {(gate.kind, gate.metric): gate.passed for gate in told.gates if gate.required}
    assert gates["threshold", "top5"]
    assert gates["guardrail", "stalls"]
    # The other way round the guardrail is broken, whatever the base says of itself.
    back = compare(reader, reader.repository.resolve("HEAD"), base)
    assert not {(g.kind, g.metric): g.passed for g in back.gates}["guardrail", "stalls"]


def test_a_file_that_mends_the_bases_is_compared(plain: Project) -> None:
    plain.write("fivefold.yaml", "metrik: top5\n")
    plain.commit("Misspell")
    plain.write("fivefold.yaml", "{metric: top5, goals: {top5: maximize}}\n")
    plain.commit("Mend")
    reader = plain.reader()
    resolve = reader.repository.resolve
    assert compare(reader, resolve("HEAD~1"), resolve("HEAD")).primary == "top5"
    with pytest.raises(HistoryError, match="did you mean 'metric'"):
        compare(reader, resolve("HEAD"), resolve("HEAD~1"))


def test_below_the_git_root_the_file_is_at_dvcs(new_project: Callable[..., Project]) -> None:
    outer = new_project(dvc=False)
    inner = Project(outer.path / "ml" / "late")
    inner.write(".dvc/config", "")
    inner.write("dvc.yaml", "metrics: [a.json]\n")
    inner.write("a.json", {"top5": 1})
    inner.commit("start")
    with pytest.raises(HistoryError, match=r"write in ml/late/fivefold.yaml"):
        ranked(inner)
    inner.write("fivefold.yaml", "goals: {top5: maximize}\n")
    assert ranked(inner).board.primary == "top5"


def test_a_plan_in_the_params_goes_before(flights: Project) -> None:
    flights.write("fivefold.yaml", "{metric: rows, goals: {rows: minimize, log_loss: maximize}}\n")
    reader = flights.reader()
    snapshot = reader.repository.snapshot(reader.repository.workspace())
    plan = plan_of(reader, snapshot)
    assert plan is not None
    assert plan.primary == "roc_auc"
    assert "primary_metric: roc_auc" in PARAMS
    # Directions add to it.
    assert ranked(flights, metric="rows").board.goal == "minimize"
