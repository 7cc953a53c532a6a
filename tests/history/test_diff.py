"""``fivefold diff`` on a repository made with Git and DVC."""

from __future__ import annotations

import json
import math
import re

import pytest

from fivefold.errors import HistoryError
from fivefold.history.diff.changes import Diff
from fivefold.history.diff.compare import compare
from fivefold.history.diff.render import render_diff

from .conftest import Project


def diff(
    project: Project, base: str | None = None, head: str | None = None, metric: str | None = None
) -> Diff:
    reader = project.reader()
    repository = reader.repository
    return compare(
        reader,
        repository.resolve(base) if base else repository.default_base(),
        repository.resolve(head) if head else repository.workspace(),
        metric=metric,
    )


def test_a_branch_against_where_it_left_main(flights: Project) -> None:
    found = diff(flights)
    assert found.outcome == "better"
    assert found.verdict.startswith("better: roc_auc 0.623 → 0.653 (+0.03); acceptable")
    assert found.base.name == "merge base with main"
    metrics = {change.name: change for change in found.metrics}
    assert list(metrics)[:2] == ["roc_auc", "log_loss"]
    assert metrics["roc_auc"].judgement == "better"
    assert metrics["roc_auc"].goal == "maximize"
    # Fewer would be better, and there are fewer; no interval says whether that is noise.
    assert metrics["log_loss"].judgement == "better"
    assert metrics["rows"].judgement == "same"
    assert not any(name.startswith(("interval", "baseline")) for name in metrics)
    assert [(c.name, c.base, c.head) for c in found.params] == [
        ("train.model", "logistic", "forest")
    ]
    assert [(s.name, s.kind, s.because) for s in found.stages] == [
        ("evaluate", "re-run", ("train.model",)),
    ]
    assert found.data == ()
    assert [(c.stage, c.base_seconds, c.head_seconds) for c in found.cost] == [
        ("clean", 0.25, 0.25),
        ("evaluate", 1.5, 70.0),
    ]
    assert found.integrity["head"].status == "ok"


def test_the_named_base_is_the_base(flights: Project) -> None:
    found = diff(flights, "main")
    assert {(c.name, c.base, c.head) for c in found.params} == {
        ("train.model", "logistic", "forest"),
        ("train.depth", 5, 3),
    }


def test_a_difference_inside_the_intervals_is_noise(flights: Project) -> None:
    found = diff(flights, "main~1", "main")
    (change,) = [c for c in found.metrics if c.name == "roc_auc"]
    assert change.judgement == "noise"
    assert found.outcome == "noise"
    assert any("95% intervals" in note for note in found.notes)


def test_the_same_revision_says_nothing_differs(flights: Project) -> None:
    for base, head in (("main", "main"), ("HEAD", "workspace")):
        found = diff(flights, base, head)
        assert found.is_empty
        assert "nothing differs" in render_diff(found, "terminal").lower()
        assert found.params == found.metrics[1:0] == found.stages == ()


def test_data_and_code_changes_are_told(flights: Project) -> None:
    flights.edit("params.yaml", "rows: 100", "rows: 200")
    flights.edit("params.yaml", "clean: aaaa", "clean: cccc")
    flights.dvc("repro", "--quiet")
    found = diff(flights, "HEAD")
    assert found.code == ("clean",)
    assert [c.name for c in found.params] == ["clean.rows"]
    (data,) = found.data
    assert data.path == "data/clean.csv"
    assert data.base is not None
    assert data.head is not None
    assert data.head.size == (flights.path / "data/clean.csv").stat().st_size
    assert data.base.size is not None
    assert data.base.size < data.head.size
    because = {stage.name: stage.because for stage in found.stages}
    assert "data/clean.csv" in because["evaluate"]
    assert "code of clean" in because["clean"]
    assert "Code changed: clean" in render_diff(found, "terminal")


def test_a_changed_script_is_an_input(flights: Project) -> None:
    with (flights.path / "evaluate.py").open("a") as file:
        file.write("# a remark\n")
    stale = diff(flights, "HEAD")
    # Nothing has run since, and no hash in the lock has changed.
    assert stale.integrity["head"].status == "stale"
    assert "evaluate.py changed after stage evaluate ran" in stale.integrity["head"].reasons
    flights.dvc("repro", "--quiet")
    found = diff(flights, "HEAD")
    assert [change.path for change in found.inputs] == ["evaluate.py"]


def test_a_missing_metric_is_not_a_pass(flights: Project) -> None:
    flights.edit(
        "params.yaml", "guardrails: {log_loss", "guardrails: {recall: {min: 0.1}, log_loss"
    )
    found = diff(flights, "HEAD")
    gate = next(gate for gate in found.gates if gate.metric == "recall")
    assert not gate.passed
    assert found.outcome == "failed"
    assert "recall is missing" in found.verdict


def test_a_guardrail_fails_the_diff_even_where_the_metric_rose(flights: Project) -> None:
    flights.edit("params.yaml", "max: 0.5", "max: 0.1")
    found = diff(flights)
    assert found.outcome == "failed"
    assert found.verdict.startswith("not acceptable: log_loss 0.347 is not <= 0.1; better: roc_auc")


def test_a_metrics_file_edited_by_hand_is_told(flights: Project) -> None:
    metrics = json.loads((flights.path / "metrics/evaluate.json").read_text())
    flights.write("metrics/evaluate.json", {**metrics, "roc_auc": 0.99})
    found = diff(flights, "HEAD")
    assert found.integrity["head"].status == "edited"
    assert any("metrics/evaluate.json is not what stage evaluate wrote" in n for n in found.notes)


def test_a_malformed_file_says_so_and_the_rest_stands(flights: Project) -> None:
    flights.write("metrics/evaluate.json", '{"roc_auc": ')
    found = diff(flights)
    assert any("metrics/evaluate.json" in note for note in found.notes)
    assert {c.judgement for c in found.metrics} == {"unreadable"}
    assert [c.name for c in found.params] == ["train.model"]
    assert "?" in render_diff(found, "terminal")


def test_json_holds_every_digit(flights: Project) -> None:
    found = json.loads(render_diff(diff(flights), "json"))
    metrics = json.loads((flights.path / "metrics/evaluate.json").read_text())
    (change,) = [c for c in found["metrics"] if c["name"] == "roc_auc"]
    assert change["head"] == metrics["roc_auc"]
    assert math.isclose(change["change"], 0.03)
    assert found["head"] == {"name": "workspace", "commit": None}


def test_markdown_escapes_what_a_proposal_may_have_written(flights: Project) -> None:
    flights.edit("params.yaml", "depth: 3", "depth: '<img src=x> | **3** @all'")
    text = render_diff(diff(flights), "markdown")
    assert not re.search(r"(?<!\\)<img|@all", text)
    assert r"\<img src=x> \| \*\*3\*\* @<!-- -->all" in text
    assert "| metric |" in text


def test_an_unknown_revision_names_the_nearest_branch(flights: Project) -> None:
    with pytest.raises(HistoryError, match="did you mean 'forest'"):
        diff(flights, "forst")


def test_another_metric_may_decide(flights: Project) -> None:
    found = diff(flights, metric="mean:minimize")
    assert found.primary == "mean"
    assert found.outcome == "same"
