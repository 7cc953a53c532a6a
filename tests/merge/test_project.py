"""A baked project: two branches that both ran it are merged, and the hooks keep a commit honest."""

from __future__ import annotations

import json

import pytest
import yaml

from fivefold.pipeline.params import is_merged
from tests.pipeline.conftest import AFTER_SELECT, Project

STEP = '''"""Steps of our own."""

import narwhals as nw


def below(table: nw.LazyFrame, column: str, limit: float) -> nw.LazyFrame:
    return table.filter(nw.col(column) < limit)
'''


def locked(project: Project, revision: str) -> dict[str, object]:
    lock = project.call("git", "show", f"{revision}:dvc.lock").stdout
    return dict(yaml.safe_load(lock)["stages"])


def branch(project: Project, name: str, base: str) -> None:
    project.call("git", "switch", "--quiet", "--create", name, base)
    project.call("dvc", "checkout", "--quiet")


def test_a_model_and_a_cleaning_step_of_two_branches_meet(diabetes: Project) -> None:
    diabetes.fivefold("setup")
    branch(diabetes, "tree", "main")
    diabetes.edit("conf/config.yaml", "- model: ridge", "- model: tree")
    both = {"compose", *AFTER_SELECT}
    assert set(diabetes.repro()) == both
    diabetes.commit("Try a tree")
    branch(diabetes, "lean", "main")
    package = next((diabetes.root / "src").iterdir()).name
    diabetes.write(f"src/{package}/steps.py", STEP)
    text = diabetes.read("conf/clean.yaml")
    step = f"  - _target_: {package}.steps.below\n    column: bmi\n    limit: 38\n"
    diabetes.write("conf/clean.yaml", text.rstrip("\n") + "\n" + step)
    diabetes.repro()
    diabetes.commit("Leave out the heaviest")

    said = diabetes.call("git", "merge", "--no-edit", "tree")
    kept = locked(diabetes, "HEAD")
    assert {"plan", "collect", "clean", "split", "select"} <= set(kept)
    for name, entry in kept.items():
        assert entry in (locked(diabetes, "tree")[name], locked(diabetes, "lean")[name])
    assert set(locked(diabetes, "main")) - set(kept) == both
    assert is_merged(diabetes.call("git", "show", "HEAD:params.yaml").stdout)
    assert "params.yaml: composed from the merged conf/" in said.stderr
    diabetes.fivefold("compose", "--check")

    diabetes.call("dvc", "checkout", "--allow-missing")
    assert set(diabetes.repro()) == both
    assert diabetes.repro() == []
    diabetes.commit("Run the merge")
    params = yaml.safe_load(diabetes.read("params.yaml"))
    assert params["train"]["model"] == "tree"
    assert params["clean"]["steps"][-1]["limit"] == 38
    integrity = json.loads(
        diabetes.fivefold("leaderboard", "show", "HEAD", "--format", "json").stdout
    )
    assert "edited" not in json.dumps(integrity)
    assert "stale" not in json.dumps(integrity)


def test_a_merged_params_file_is_no_edit_by_hand(diabetes: Project) -> None:
    # Composed and committed on both sides, but run on none: the lock's entry is neither side's.
    diabetes.fivefold("setup")
    for side, old, new in (
        ("one", "acceptable: 65", "acceptable: 64"),
        ("two", "r2: {min: 0.2}", "r2: {min: 0.21}"),
    ):
        branch(diabetes, side, "main")
        diabetes.edit("conf/plan.yaml", old, new)
        diabetes.fivefold("compose")
        diabetes.commit(side)
    hook = diabetes.root / ".git" / "hooks" / "post-merge"
    hook.unlink()
    diabetes.call("git", "merge", "--no-edit", "one")
    assert is_merged(diabetes.read("params.yaml"))
    assert "params.yaml is not what conf/ gives now" in diabetes.refused(
        "fivefold", "compose", "--check"
    )
    assert diabetes.repro()[0] == "compose"
    assert not is_merged(diabetes.read("params.yaml"))
    diabetes.fivefold("compose", "--check")


def hooks(project: Project, *arguments: str) -> list[str]:
    return ["pre-commit", "run", "--color", "never", *arguments]


@pytest.fixture
def guarded(diabetes: Project) -> Project:
    said = diabetes.fivefold("setup").stdout
    assert "hook pre-commit: installed" in said
    assert "hook pre-commit: there" in diabetes.fivefold("setup").stdout
    return diabetes


def test_a_baked_project_passes_its_hooks(guarded: Project) -> None:
    said = guarded.call(*hooks(guarded, "--all-files")).stdout
    assert said.count("Passed") == 4, said
    assert "Failed" not in said
    assert guarded.call("git", "status", "--porcelain").stdout == ""


KEY = "AKIA" + "Q3EGRJT5YHX7ZLPW"
NOTEBOOK = {
    "cells": [
        {
            "cell_type": "code",
            "execution_count": 1,
            "id": "a",
            "metadata": {},
            "outputs": [{"name": "stdout", "output_type": "stream", "text": ["rows of a person"]}],
            "source": ["print(table)"],
        }
    ],
    "metadata": {},
    "nbformat": 4,
    "nbformat_minor": 5,
}


@pytest.mark.parametrize(
    ("path", "text", "hook", "said"),
    [
        ("conf/config.yaml", "seed: 442|seed: 443", "compose", "seed: 442 (conf/ says 443)"),
        ("params.yaml", "seed: 442|seed: 7", "compose", "next:    dvc repro"),
        ("conf/config.yaml", "seed: 442|sead: 442", "check", "did you mean 'seed'?"),
        ("dvc.yaml", "cmd: fivefold run clean|cmd: true", "check", "dvc.yaml"),
        ("big.csv", "1,2,3,4\n" * 80_000, "large-files", "big.csv (625 KB) exceeds 500 KB"),
        ("src/keys.py", f'KEY = "{KEY}"\n', "secrets", "Secret Type: AWS Access Key"),
        ("look.ipynb", json.dumps(NOTEBOOK), "notebooks", "files were modified by this hook"),
    ],
)
def test_each_hook_refuses_its_offence(
    guarded: Project, path: str, text: str, hook: str, said: str
) -> None:
    old, new, replaced = text.partition("|")
    if new:
        guarded.edit(path, old, replaced)
    else:
        guarded.write(path, text)
    guarded.call("git", "add", path)
    refused = guarded.refused("git", "commit", "--message", "An offence")
    assert f"- hook id: {hook}" in refused
    assert said in refused
    if hook == "notebooks":
        assert "rows of a person" not in guarded.read(path)
        guarded.call("git", "add", path)
        guarded.call("git", "commit", "--message", "Stripped")
