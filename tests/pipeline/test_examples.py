"""Every example runs to the end and passes the tests that it was baked with."""

from __future__ import annotations

import json
import sys

import yaml

from .conftest import Project


def own_tests(project: Project) -> str:
    return project.call(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider").stdout


def test_diabetes_passes_its_own_tests(diabetes: Project) -> None:
    assert "5 passed" in own_tests(diabetes)


def test_a_csv_of_ones_own_passes_its_own_tests(own: Project) -> None:
    assert "5 passed" in own_tests(own)


def test_types_roles_and_task_are_inferred_and_written_down(own: Project) -> None:
    columns = yaml.safe_load(own.read("conf/schema.yaml"))["columns"]
    roles = {name: column.get("role", "feature") for name, column in columns.items()}
    assert roles["churned"] == "target"
    assert roles["customer"] == "identifier"
    assert roles["plan"] == roles["region"] == roles["monthly fee"] == roles["calls"] == "feature"
    assert columns["calls"]["nullable"] is True
    plan = yaml.safe_load(own.read("conf/plan.yaml"))
    assert plan["task"] == "binary"
    assert plan["primary_metric"] == "roc_auc"


def test_the_schema_is_the_users_from_then_on(own: Project) -> None:
    before = own.read("conf/schema.yaml")
    assert "--force" in own.refused("fivefold", "schema", "infer")
    assert own.read("conf/schema.yaml") == before


def test_the_model_is_better_than_chance_and_the_same_as_onnx(own: Project) -> None:
    metrics = json.loads(own.read("metrics/evaluate.json"))
    assert metrics["roc_auc"] > metrics["baseline"]["roc_auc"] + 0.05
    export = json.loads(own.read("metrics/export.json"))
    assert export["rows"] > 100
    assert export["rows_beyond_tolerance"] == 0


def test_a_branch_is_an_experiment_and_the_history_ranks_it(diabetes: Project) -> None:
    diabetes.call("git", "switch", "--quiet", "--create", "tree")
    diabetes.edit("conf/config.yaml", "- model: ridge", "- model: tree")
    diabetes.repro()
    diff = diabetes.fivefold("diff", "main").stdout
    assert "root_mean_squared_error" in diff
    assert "train.model" in diff
    assert "worse" in diff
    diabetes.commit("Try a tree")
    board = json.loads(diabetes.fivefold("leaderboard", "--format", "json").stdout)
    text = json.dumps(board)
    assert text.index("ridge") < text.index("tree")
