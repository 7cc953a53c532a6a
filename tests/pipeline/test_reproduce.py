"""``dvc repro`` runs what a change concerns and nothing else; the results are the commit's own."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from fivefold.pipeline.stages import PROFILE, STAGES

from .conftest import AFTER_SELECT, Project

AFTER_CLEAN = ["clean", "validate", "explore", "split", "select", "train", "evaluate", "export"]


def test_every_declared_output_is_there_and_vouched_for(diabetes: Project) -> None:
    lock = yaml.safe_load(diabetes.read("dvc.lock"))["stages"]
    for stage in STAGES:
        locked = {out["path"] for out in lock[stage.name]["outs"]}
        assert locked == {output.path for output in stage.outputs.values()}
        assert all((diabetes.root / path).exists() for path in locked)
    assert set(json.loads(diabetes.read(PROFILE))) == {"compose", *(stage.name for stage in STAGES)}


def test_a_second_run_has_nothing_to_do(diabetes: Project) -> None:
    done = diabetes.call("dvc", "repro")
    assert "Running stage" not in done.stdout
    assert "up to date" in done.stdout + done.stderr
    assert diabetes.call("git", "status", "--porcelain").stdout == ""


def test_an_edit_of_conf_runs_the_stages_concerned(diabetes: Project) -> None:
    diabetes.edit("conf/config.yaml", "- model: ridge", "- model: tree")
    ran = diabetes.repro()
    assert ran[:3] == ["compose", "tune", "train"]
    assert set(ran) == {"compose", *AFTER_SELECT}
    assert "model: tree" in diabetes.read("params.yaml")


def test_a_comment_in_conf_stops_at_compose(diabetes: Project) -> None:
    diabetes.edit("conf/plan.yaml", "task: regression", "# a number\ntask: regression")
    assert diabetes.repro() == ["compose"]


def test_a_reworded_problem_fits_no_model(diabetes: Project) -> None:
    diabetes.edit("conf/plan.yaml", "care is planned", "care has to be planned")
    # But the cards tell it.
    assert diabetes.repro() == ["compose", "plan", "document"]


def test_an_override_is_an_experiment_that_leaves_conf_alone(diabetes: Project) -> None:
    diabetes.call("dvc", "exp", "run", "--name", "tree", "-S", "overrides.yaml:model=tree")
    assert "model: tree" in diabetes.read("params.yaml")
    assert diabetes.call("git", "status", "--porcelain", "conf").stdout == ""
    # What the file doesn't name yet takes a plus; so does a value deep in a section.
    diabetes.call("dvc", "exp", "run", "-S", "overrides.yaml:+train.seed=5")
    diabetes.write("overrides.yaml", diabetes.read("overrides.yaml") + "export.tolerance: 0.001\n")
    assert "compose" in diabetes.repro()
    params = yaml.safe_load(diabetes.read("params.yaml"))
    assert params["train"]["model"] == "tree"
    assert params["train"]["seed"] == 5
    assert params["export"]["tolerance"] == 0.001


def test_a_users_step_named_in_conf_counts_as_code(diabetes: Project) -> None:
    diabetes.write(
        "src/progression/steps.py",
        "import narwhals as nw\n\n\ndef older(table: nw.LazyFrame, years: int) -> nw.LazyFrame:\n"
        "    return table.filter(nw.col('age') > years)\n",
    )
    with (diabetes.root / "conf" / "clean.yaml").open("a", encoding="utf-8") as file:
        file.write("  - _target_: progression.steps.older\n    years: 20\n")
    assert diabetes.repro()[:2] == ["compose", "clean"]
    rows = json.loads(diabetes.read("metrics/evaluate.json"))["rows"]
    # A comment is no change of the code; another comparison is.
    diabetes.edit("src/progression/steps.py", "    return", "    # young patients\n    return")
    assert diabetes.repro() == ["compose"]
    diabetes.edit("src/progression/steps.py", "> years", "> 2 * years")
    ran = diabetes.repro()
    assert ran[:2] == ["compose", "clean"]
    assert set(AFTER_CLEAN) <= set(ran)
    assert not {"plan", "collect", "integrate"} & set(ran)
    assert json.loads(diabetes.read("metrics/evaluate.json"))["rows"] < rows


def test_touching_a_stages_source_changes_its_fingerprint_alone(
    diabetes: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The package as a copy that the test may edit.
    import fivefold

    copy = tmp_path / "site"
    shutil.copytree(Path(fivefold.__file__).parent, copy / "fivefold")
    monkeypatch.setenv("PYTHONPATH", str(copy))
    before = yaml.safe_load(diabetes.read("params.yaml"))["code"]
    source = copy / "fivefold" / "data" / "clean.py"
    source.write_text(source.read_text("utf-8") + "\nTOUCHED = True\n", encoding="utf-8")
    diabetes.fivefold("compose")
    after = yaml.safe_load(diabetes.read("params.yaml"))["code"]
    assert {name for name in after if after[name] != before[name]} == {"clean"}


@pytest.mark.parametrize("engine", ["pandas", "duckdb"])
def test_every_engine_gives_the_same_bytes(diabetes: Project, engine: str) -> None:
    before = _hashes(diabetes)
    diabetes.edit("conf/config.yaml", "engine: polars", f"engine: {engine}")
    ran = diabetes.repro()
    assert {"integrate", "clean", "validate", "explore", "split"} <= set(ran)
    assert "select" not in ran  # its inputs are the same bytes
    after = _hashes(diabetes)
    assert {path for path in before if before[path] != after[path]} == {"params.yaml"}


def _hashes(project: Project) -> dict[str, str]:
    lock = yaml.safe_load(project.read("dvc.lock"))["stages"]
    return {out["path"]: out["md5"] for stage in lock.values() for out in stage["outs"]}


def test_two_clean_clones_give_the_same_lock(diabetes: Project, tmp_path: Path) -> None:
    claimed = diabetes.read("dvc.lock")
    for name in ("here", "elsewhere/deeper"):
        clone = Project(tmp_path / name)
        clone.root.parent.mkdir(parents=True, exist_ok=True)
        diabetes.call("git", "clone", "--quiet", str(diabetes.root), str(clone.root))
        clone.call("dvc", "repro", "--force")
        assert clone.read("dvc.lock") == claimed


def test_verify_says_whether_a_commit_gives_its_own_results(diabetes: Project) -> None:
    assert "gives its own results" in diabetes.fivefold("verify").stdout
    # A metric edited by hand together with its hash: the lock now claims what no run gave.
    metrics = json.loads(diabetes.read("metrics/export.json"))
    metrics["rows"] += 1
    diabetes.write("metrics/export.json", json.dumps(metrics, indent=2) + "\n")
    diabetes.call("dvc", "commit", "--force", "export")
    diabetes.commit("A better number")
    said = diabetes.refused("fivefold", "verify")
    assert "export: out metrics/export.json" in said


def test_verify_takes_a_source_that_dvc_tracks_from_the_cache(own: Project) -> None:
    own.call("git", "rm", "--quiet", "--cached", "data/source/customers.csv")
    own.call("dvc", "add", "--quiet", "data/source/customers.csv")
    own.repro()
    own.commit("Let DVC keep the table")
    assert "gives its own results" in own.fivefold("verify").stdout


def test_a_killed_stage_leaves_no_output(diabetes: Project) -> None:
    diabetes.write(
        "src/progression/steps.py",
        "import os, signal\n\n\ndef die(table):\n    os.kill(os.getpid(), signal.SIGKILL)\n",
    )
    with (diabetes.root / "conf" / "clean.yaml").open("a", encoding="utf-8") as file:
        file.write("  - _target_: progression.steps.die\n")
    done = diabetes.call("dvc", "repro", check=False)
    assert done.returncode != 0
    assert not (diabetes.root / "data" / "cleaned.parquet").exists()
    assert not list((diabetes.root / "data").glob(".*.part"))
    # Nothing after it ran, and with the cause gone the run goes on from there.
    diabetes.call("git", "checkout", "--quiet", "conf")
    diabetes.call("git", "clean", "--quiet", "--force", "src")
    diabetes.repro()
    assert (
        diabetes.call("git", "status", "--porcelain", "dvc.lock", "metrics/evaluate.json").stdout
        == ""
    )


def test_a_stage_killed_while_it_writes_leaves_the_old_file(
    diabetes: Project, tmp_path: Path
) -> None:
    # Straight through the runner: DVC is not there to have removed the old output first.
    before = (diabetes.root / "data" / "cleaned.parquet").read_bytes()
    code = (
        "import os, signal, pathlib\n"
        "from fivefold.pipeline import artifacts, run\n"
        "from fivefold.pipeline.declare import Kind\n"
        "from fivefold.pipeline.stages import stage_named\n"
        "def half(value, path, context):\n"
        "    path.write_text('{\"half\":')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "old = artifacts.HANDLERS[Kind.JSON]\n"
        "artifacts.HANDLERS[Kind.JSON] = artifacts.Handler(old.read, half)\n"
        "run.run_stage(stage_named('clean'), pathlib.Path.cwd())\n"
    )
    audit = diabetes.read("reports/clean.json")
    done = diabetes.call("python", "-c", code, check=False)
    assert done.returncode == -9
    assert (diabetes.root / "data" / "cleaned.parquet").read_bytes() == before
    assert diabetes.read("reports/clean.json") == audit
    diabetes.fivefold("run", "clean")
    assert not list(diabetes.root.rglob(".*.part"))


def test_a_project_runs_in_a_folder_with_spaces(diabetes: Project, tmp_path: Path) -> None:
    moved = tmp_path / "a folder with spaces"
    subprocess.run(["git", "clone", "--quiet", str(diabetes.root), str(moved)], check=True)
    clone = Project(moved)
    clone.call("dvc", "repro", "--force", "clean")
    assert clone.call("git", "status", "--porcelain", "dvc.lock").stdout == ""
