"""Repositories with a model of a few bytes, whose pipeline runs in no time."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.history.conftest import Project, start

TRAIN = """
    import json, pathlib, yaml
    params = yaml.safe_load(open("params.yaml"))
    data = open("data/raw.csv").read()
    pathlib.Path("models").mkdir(exist_ok=True)
    open("models/model.bin", "w").write(json.dumps([params["train"], len(data)]))
"""
EVALUATE = """
    import json, pathlib, yaml
    params = yaml.safe_load(open("params.yaml"))
    error = params["train"]["error"]
    pathlib.Path("metrics").mkdir(exist_ok=True)
    found = {"mean_absolute_error": error}
    found["interval"] = {"mean_absolute_error": {"low": error - 1, "high": error + 1}}
    json.dump(found, open("metrics/evaluate.json", "w"))
"""
PREPARE = """
    import yaml
    rows = yaml.safe_load(open("params.yaml"))["prepare"]["rows"]
    open("data/raw.csv", "w").write("row\\n" * rows)
"""
PIPELINE = """
    stages:
      prepare:
        cmd: python prepare.py
        params: [prepare]
        outs: [data/raw.csv]
      train:
        cmd: python train.py
        deps: [data/raw.csv]
        params: [train]
        outs: [models/model.bin]
      evaluate:
        cmd: python evaluate.py
        deps: [models/model.bin]
        params: [train]
        metrics:
          - metrics/evaluate.json: {cache: false}
    artifacts:
      scorer: {path: models/model.bin, type: model, desc: "A few bytes"}
"""
PARAMS = """
    plan:
      primary_metric: mean_absolute_error
      metrics: []
      thresholds: {acceptable: 50}
    review:
      model: [models/model.bin]
    prepare: {rows: 5}
    train: {model: linear, error: 20, seed: 1}
"""


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = start(tmp_path_factory.mktemp("registry") / "scorer")
    for name, text in (("prepare", PREPARE), ("train", TRAIN), ("evaluate", EVALUATE)):
        project.write(f"{name}.py", text)
    project.write("dvc.yaml", PIPELINE)
    project.write("params.yaml", PARAMS)
    project.write("data/.gitkeep", "")
    project.dvc("repro", "--quiet")
    project.commit("First results")
    return project


@pytest.fixture
def scorer(made: Project, tmp_path: Path) -> Project:
    """A project on main with one run, that no tag registers yet."""
    return made.copy(tmp_path / "scorer")


def change(project: Project, old: str, new: str, message: str = "Change") -> None:
    """Edit the params, run and commit."""
    project.edit("params.yaml", old, new)
    project.dvc("repro", "--quiet")
    project.commit(message)
