"""A user's mistake is one message: what, where, got, allowed, next; and nothing is lost."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fivefold import __version__

from .conftest import Project


@pytest.mark.parametrize(
    ("path", "old", "new", "words"),
    [
        # A misspelt group, option, section, key.
        ("conf/config.yaml", "- model: ridge", "- model: forrest", ["'forest'?", "conf/config.yaml"]),
        ("conf/config.yaml", "- model: ridge", "- modle: ridge", ["modle"]),
        ("conf/config.yaml", "engine: polars", "engin: polars", ["engin", "'engine'?"]),
        ("conf/config.yaml", "split:\n  #", "splitt:\n  #", ["splitt", "'split'?"]),
        ("conf/config.yaml", "  test: 0.2", "  tset: 0.2", ["tset", "'test'?", "conf/config.yaml:"]),
        ("conf/clean.yaml", "steps:", "stpes:", ["stpes", "'steps'?", "conf/clean.yaml:"]),
        ("conf/config.yaml", "- _self_", "- _self_\nmodel: tree", ["defaults", "- model: tree"]),
        # Wrong types and bounds.
        ("conf/config.yaml", "seed: 442", "seed: soon", ["soon", "int"]),
        ("conf/config.yaml", "engine: polars", "engine: pandsa", ["pandsa", "'pandas'?"]),
        ("conf/config.yaml", "  test: 0.2", "  test: 1.2", ["1.2", "split"]),
        # The plan.
        ("conf/plan.yaml", "_metric: root_mean_squared_error", "_metric: roc_auc", ["roc_auc", "regression"]),
        ("conf/plan.yaml", "_metric: root_mean_squared_error", "_metric: root_mean_square_eror", ["'root_mean_squared_error'?"]),
        ("conf/plan.yaml", "task: regression", "task: regresion", ["'regression'?"]),
        ("conf/plan.yaml", "acceptable: 65", "acceptable: 45", ["45", "50", "conf/plan.yaml:"]),
        ("conf/plan.yaml", "excellent: 50", "excellent: -1", ["-1", "conf/plan.yaml:"]),
        ("conf/plan.yaml", "target: target", "target: progress", ["progress", "target"]),
        # What depends on the machine, and what is not YAML.
        ("conf/config.yaml", "seed: 442", "seed: ${oc.env:SEED}", ["oc.env", "conf/config.yaml:"]),
        ("conf/config.yaml", "seed: 442", "seed: ???", ["seed", "missing"]),
        ("conf/config.yaml", "seed: 442", "seed: [442", ["conf/config.yaml:", "YAML"]),
        # A function that is not there.
        ("conf/clean.yaml", "cleaning.drop_missing", "cleaning.drop_mising", ["'drop_missing'?"]),
        # The pipeline.
        ("dvc.yaml", "data/cleaned.parquet\n      - reports/clean", "data/clean.parquet\n      - reports/clean", ["dvc.yaml:", "data/clean.parquet", "'data/cleaned.parquet'?"]),
        ("dvc.yaml", "      - code.clean\n", "", ["code.clean", "dvc.yaml:"]),
        ("dvc.yaml", "run clean", "run claen", ["claen", "'clean'?", "dvc.yaml:"]),
        # Prices.
        ("conf/prices.yaml", "kwh: 0", "kwh: 0.3", ["ISO 4217", "conf/prices.yaml:"]),
        ("conf/config.yaml", "seed: 442", "seed: 442\nprofile: {country: FRAA}", ["FRAA", "'FRA'?"]),
        # A seal on the test part.
        ("conf/config.yaml", "  test: 0.2", "  sealed: true\n  test: 0.2", ["sealed", "dvc.yaml:", "export.inputs.test: data/train.parquet"]),
        ("dvc.yaml", "      - metrics/export.json: {cache: false}", "      - metrics/export.json", ["cache: false", "dvc.yaml:"]),
    ],
)  # fmt: skip
def test_check_names_the_place_and_the_mend(
    diabetes: Project, path: str, old: str, new: str, words: list[str]
) -> None:
    before = diabetes.read("params.yaml")
    diabetes.edit(path, old, new)
    said = diabetes.refused("fivefold", "check")
    for word in words:
        assert word in said, said
    # The pipeline's own first stage says the same, and leaves what was composed before.
    diabetes.refused("fivefold", "compose")
    assert diabetes.read("params.yaml") == before


def test_parameters_edited_by_hand_are_refused_and_kept(diabetes: Project) -> None:
    diabetes.edit("params.yaml", "seed: 442", "seed: 9")
    said = diabetes.refused("dvc", "repro")
    assert "edited by hand" in said
    assert "442" in said
    assert "overrides.yaml" in said
    assert "seed: 9" in diabetes.read("params.yaml")


def test_an_experiment_that_sets_params_yaml_is_told_where_to_set_it(diabetes: Project) -> None:
    said = diabetes.refused("dvc", "exp", "run", "-S", "train.seed=9")
    assert "edited by hand" in said
    assert "overrides.yaml" in said


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, ["customers.csv", "data/source"]),
        (b"", ["empty", "customers.csv"]),
        (b"customer,plan,churned\n", ["customers.csv", "no rows"]),
        (
            b"customer,plan,churned\n1,a,yes\n2,b\n3,c,no\n",
            ["customers.csv:3", "2 fields", "3 fields"],
        ),
        (b"customer,plan,churned\n1,caf\xe9,yes\n2,b,no\n", ["encoding", "customers.csv:2"]),
        (b"customer,plan,plan,churned\n1,a,b,yes\n", ["'plan'", "more than once"]),
        (b"customer,plan,left\n1,a,yes\n2,b,no\n", ["churned"]),
        (b"customer,plan,churned\n1,a,yes\n2,b,yes\n", ["churned", "one class"]),
    ],
)
def test_a_bad_source_is_named(own: Project, content: bytes | None, words: list[str]) -> None:
    path = own.root / "data" / "source" / "customers.csv"
    before = own.read("dvc.lock")
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    said = own.refused("dvc", "repro")
    for word in words:
        assert word in said, said
    # What stood before still stands: the lock claims the last good run.
    assert own.read("reports/evaluate.json")
    assert "evaluate" in before


def test_a_schema_violation_names_column_check_count_and_rows(own: Project) -> None:
    path = own.root / "data" / "source" / "customers.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[5] = lines[5].replace(lines[5].split(",")[2], "platinum")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    said = own.refused("dvc", "repro")
    for word in ("plan", "platinum", "1", "row"):
        assert word in said, said


def test_an_estimator_that_fails_in_one_fold_is_out_and_the_run_goes_on(diabetes: Project) -> None:
    diabetes.write(
        "src/progression/estimators.py",
        '''
from sklearn.linear_model import Ridge


class Fragile(Ridge):
    """Fails on a training part that lacks the first row's target."""

    def fit(self, X, y):
        Fragile.fits = getattr(Fragile, "fits", 0) + 1
        if Fragile.fits == 2:
            raise RuntimeError("the solver gave up")
        return super().fit(X, y)
''',
    )
    diabetes.write(
        "conf/model/fragile.yaml",
        "# @package train\nmodel: fragile\n"
        "regressor: {_target_: progression.estimators.Fragile}\nscale: true\n",
    )
    diabetes.edit(
        "conf/config.yaml",
        "  - model@select.candidates.tree: tree\n",
        "  - model@select.candidates.tree: tree\n  - model@select.candidates.fragile: fragile\n",
    )
    assert diabetes.repro()[:2] == ["compose", "select"]
    report = diabetes.read("reports/select.json")
    assert "the solver gave up" in report
    assert '"winner": "fragile"' not in report


@pytest.mark.skipif(os.name == "nt", reason="folders have no write bit there")
def test_a_read_only_folder_is_one_message_and_leaves_the_old_output(diabetes: Project) -> None:
    # The superuser may write anywhere: run once to load every module, then give that up.
    code = (
        "import os, pathlib, sys\n"
        "from fivefold.errors import FivefoldError\n"
        "from fivefold.pipeline.run import run_stage\n"
        "from fivefold.pipeline.stages import stage_named\n"
        "here = pathlib.Path('.')\n"
        "run_stage(stage_named('plan'), here)\n"
        "os.chmod('reports', 0o555)\n"
        "if os.geteuid() == 0: os.seteuid(65534)\n"
        "try: run_stage(stage_named('plan'), here)\n"
        "except FivefoldError as error: sys.exit(str(error))\n"
    )
    before = diabetes.read("reports/plan.json")
    try:
        said = diabetes.refused("python", "-c", code)
    finally:
        (diabetes.root / "reports").chmod(0o755)
    assert "Permission denied" in said
    assert "reports/plan" in said
    assert "writable" in said
    assert diabetes.read("reports/plan.json") == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_one_message_and_leaves_the_old_output(diabetes: Project) -> None:
    # The part file is a link to a device that is always full.
    before = diabetes.read("reports/clean.json")
    code = (
        "import pathlib\n"
        "from fivefold.pipeline import run\n"
        "run._remove = lambda path: path.unlink(missing_ok=True) or path.symlink_to('/dev/full')\n"
        "from fivefold.cli import main\n"
        "import sys; sys.argv = ['fivefold', 'run', 'clean']\n"
        "main()\n"
    )
    said = diabetes.refused("python", "-c", code)
    assert "No space left on device" in said
    assert "nothing was changed" in said
    assert diabetes.read("reports/clean.json") == before


def test_a_damaged_model_is_not_loaded(diabetes: Project) -> None:
    model = diabetes.root / "models" / "model.skops"
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    model.chmod(0o644)
    model.write_bytes(content)
    said = diabetes.refused("fivefold", "run", "evaluate")
    assert "not the one that dvc.lock vouches for" in said
    assert "dvc checkout" in said


def test_outside_a_project(tmp_path: Path) -> None:
    for command in ("check", "compose", "lock", "verify"):
        said = Project(tmp_path).refused("fivefold", command)
        assert "no dvc.yaml" in said
        assert "fivefold new" in said


def test_an_unknown_stage_is_offered_the_nearest(diabetes: Project) -> None:
    assert "did you mean 'clean'?" in diabetes.refused("fivefold", "run", "claen")


def test_new_refuses_a_folder_with_something_in_it(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "file").touch()
    assert "not empty" in Project(tmp_path).refused("fivefold", "new", "here")
    assert "'flights'?" in Project(tmp_path).refused("fivefold", "new", "x", "--example", "flihgts")
    assert "--csv" in Project(tmp_path).refused("fivefold", "new", "x", "--example", "none")
    assert not (tmp_path / "x").exists()


def test_another_fivefold_than_the_locked_one_computes_nothing(diabetes: Project) -> None:
    diabetes.edit("requirements.lock", f"fivefold=={__version__}", "fivefold==0.0.9")
    said = diabetes.refused("fivefold", "run", "plan")
    assert "fivefold==0.0.9" in said
    assert "fivefold lock" in said
