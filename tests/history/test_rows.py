"""Whether a change is noise, by the predictions of both revisions, row by row."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv, parquet
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score

from fivefold.errors import HistoryError
from fivefold.history.diff.changes import Diff, MetricChange
from fivefold.history.diff.compare import compare
from fivefold.history.diff.render import render_diff

from .conftest import Project, start

PIPELINE = """
    stages:
      evaluate:
        cmd: python evaluate.py
        deps: [evaluate.py]
        params: [skill]
        outs: [out/predictions.csv]
        metrics:
          - metrics.json: {cache: false}
"""

# A model whose score is the truth, what both models err alike, and what each errs by itself.
EVALUATE = """
    import json, math, os, pathlib, random, yaml
    skill = yaml.safe_load(open("params.yaml"))["skill"]
    rows = []
    for i in range(600):
        shared, own = random.Random(i), random.Random(f"{skill}-{i}")
        label = int(shared.random() < 0.4)
        logit = 1.5 * label - 0.75 + 1.5 * shared.gauss(0, 1) + (0.8 - skill) * own.gauss(0, 1)
        rows.append((f"r{i:03}", "north" if i % 3 else "south", label, 1 / (1 + math.exp(-logit))))
    hits = sum((p >= 0.5) == bool(label) for _, _, label, p in rows)
    loss = -sum(math.log(p if label else 1 - p) for _, _, label, p in rows) / len(rows)
    positive = [p for _, _, label, p in rows if label]
    negative = [p for _, _, label, p in rows if not label]
    auc = sum(a > b for a in positive for b in negative) / len(positive) / len(negative)
    out = {"roc_auc": auc, "log_loss": loss, "accuracy": hits / len(rows), "top5": auc / 2}
    pathlib.Path("out").mkdir(exist_ok=True)
    json.dump(out, open("metrics.json", "w"), indent=2)
    lines = ["id,region,label,p"] + [",".join(map(str, row)) for row in rows]
    open("out/predictions.csv", "w").write("\\n".join(lines) + "\\n")
"""

SETTINGS = """
    metric: roc_auc
    predictions:
      path: out/predictions.csv
      key: id
      target: label
      score: p
      task: binary
"""


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """main, and the branch better; not ours, so fivefold.yaml says where the rows are."""
    project = start(tmp_path_factory.mktemp("rows") / "project")
    project.write("evaluate.py", EVALUATE)
    project.write("dvc.yaml", PIPELINE)
    project.write("params.yaml", "skill: 0.0\n")
    project.write("fivefold.yaml", SETTINGS)
    project.dvc("repro", "--quiet")
    project.commit("Start")
    project.git("switch", "--quiet", "--create", "better")
    project.edit("params.yaml", "0.0", "0.6")
    project.dvc("repro", "--quiet")
    project.commit("Err less")
    return project


@pytest.fixture
def project(made: Project, tmp_path: Path) -> Project:
    return made.copy(tmp_path / "project")


def diff(
    project: Project, base: str = "main", head: str = "workspace", **options: Any
) -> tuple[Diff, dict[str, MetricChange]]:
    reader = project.reader()
    repository = reader.repository
    found = compare(reader, repository.resolve(base), repository.resolve(head), **options)
    return found, {change.name: change for change in found.metrics}


def predictions(project: Project, revision: str) -> Any:
    project.git("checkout", "--quiet", revision)
    project.dvc("checkout", "--quiet")
    table = csv.read_csv(project.path / "out/predictions.csv")
    return table["label"].to_numpy(), table["p"].to_numpy()


def test_pairs_judge_where_both_revisions_rows_are_in_the_cache(project: Project) -> None:
    found, metrics = diff(project, "main", "better")
    assert metrics["roc_auc"].method == metrics["log_loss"].method == "paired bootstrap"
    assert metrics["accuracy"].method == "McNemar's test"
    assert metrics["accuracy"].p_value is not None
    assert {metrics[name].rows for name in ("roc_auc", "log_loss", "accuracy")} == {600}
    # A metric that no catalogue knows has no rows that judge it.
    assert metrics["top5"].method is None
    change = metrics["roc_auc"]
    assert change.interval is not None
    assert change.change is not None
    assert change.interval[0] < change.change < change.interval[1]
    assert change.judgement == ("better" if change.interval[0] > 0 else "noise")
    assert any("paired bootstrap on 600 rows" in note for note in found.notes)
    assert any("McNemar's test on 600 rows" in note for note in found.notes)
    # Again, to the last digit.
    assert diff(project, "main", "better")[0].metrics == found.metrics


def test_the_rows_give_scikit_learns_values(project: Project) -> None:
    _, metrics = diff(project, "main", "better")
    for side, revision in (("base", "main"), ("head", "better")):
        label, p = predictions(project, revision)
        assert getattr(metrics["roc_auc"], side) == pytest.approx(roc_auc_score(label, p))
        assert getattr(metrics["log_loss"], side) == pytest.approx(log_loss(label, p))
        assert getattr(metrics["accuracy"], side) == pytest.approx(accuracy_score(label, p >= 0.5))


def test_pairs_tell_what_two_intervals_cannot(project: Project) -> None:
    # Give the metrics file the intervals that a bootstrap of each side alone would.
    for branch in ("main", "better"):
        project.git("switch", "--quiet", branch)
        values = json.loads((project.path / "metrics.json").read_text())
        ends = {"low": values["roc_auc"] - 0.035, "high": values["roc_auc"] + 0.035}
        project.edit(
            "evaluate.py",
            '"top5": auc / 2}',
            f'"top5": auc / 2, "interval": {{"roc_auc": {ends}}}}}',
        )
        project.dvc("repro", "--quiet")
        project.commit(f"Bound {branch}")
    found, metrics = diff(project, "main", "better", rows=False)
    assert metrics["roc_auc"].judgement == "noise"
    assert metrics["roc_auc"].method == "intervals"
    assert found.outcome == "noise"
    found, metrics = diff(project, "main", "better")
    assert metrics["roc_auc"].judgement == "better"
    assert found.outcome == "better"
    assert "95% interval +" in found.verdict


def test_the_report_shows_interval_and_p_value(project: Project) -> None:
    found, metrics = diff(project, "main", "better")
    for form in ("terminal", "markdown"):
        text = render_diff(found, form)
        assert "95% interval of change" in text
        assert f"p {metrics['accuracy'].p_value:.2g}" in text
    told = json.loads(render_diff(found, "json"))
    by_name = {change["name"]: change for change in told["metrics"]}
    assert by_name["accuracy"]["method"] == "McNemar's test"
    assert by_name["roc_auc"]["interval"] == list(metrics["roc_auc"].interval or ())
    assert by_name["roc_auc"]["rows"] == 600


def test_the_working_tree_is_judged_before_it_is_committed(project: Project) -> None:
    project.edit("params.yaml", "0.6", "0.7")
    project.dvc("repro", "--quiet")
    _, metrics = diff(project)
    assert metrics["roc_auc"].rows == 600
    # Without a cache, what was checked out is the content that the lock vouches for.
    (project.path / ".dvc/cache").rename(project.path / ".dvc/elsewhere")
    found, metrics = diff(project, "HEAD", "workspace")
    assert metrics["roc_auc"].rows is None
    assert any("base: out/predictions.csv is not in DVC's cache" in n for n in found.notes)


def test_no_rows_leaves_them_out(project: Project) -> None:
    found, metrics = diff(project, "main", "better", rows=False)
    assert {change.method for change in metrics.values()} == {None}
    assert found.slices is None
    assert found.tables == ()
    assert not any("rows" in note for note in found.notes)


def cached(project: Project, revision: str) -> Path:
    reader = project.reader()
    repository = reader.repository
    snapshot = repository.snapshot(repository.resolve(revision))
    content = reader.vouched(snapshot, "out/predictions.csv")
    assert content is not None
    path = reader.cache.path(content)
    assert path is not None
    return path


def push(project: Project) -> None:
    """Push both branches: DVC takes an older commit's remote from that commit."""
    for branch in ("main", "better"):
        project.git("switch", "--quiet", branch)
        project.dvc("push", "--quiet")


def test_a_flipped_byte_in_the_cache_does_not_judge(project: Project) -> None:
    path = cached(project, "main")
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.chmod(0o644)
    path.write_bytes(bytes(data))
    path.chmod(0o444)
    found, metrics = diff(project, "main", "better")
    assert metrics["roc_auc"].rows is None
    assert any("in DVC's cache is not what was hashed" in note for note in found.notes)


def test_what_is_not_at_hand_is_said_with_what_brings_it(project: Project, tmp_path: Path) -> None:
    project.dvc("remote", "add", "--default", "far", str(tmp_path / "far"))
    cached(project, "main").unlink()
    found, metrics = diff(project, "main", "better")
    assert metrics["roc_auc"].rows is None
    assert metrics["roc_auc"].judgement == "better"
    (note,) = [note for note in found.notes if "predictions.csv is not in DVC's cache" in note]
    assert note.startswith("base: ")
    assert "fivefold diff --fetch" in note


def test_a_remote_in_a_folder_is_read_where_it_is(project: Project, tmp_path: Path) -> None:
    project.dvc("remote", "add", "--default", "near", str(tmp_path / "near"))
    push(project)
    gone = cached(project, "main")
    gone.unlink()
    _, metrics = diff(project, "main", "better")
    assert metrics["roc_auc"].rows == 600
    assert not gone.exists()


def test_fetch_brings_the_single_file_from_the_remote(
    project: Project, tmp_path: Path, serve: Callable[[Path], str]
) -> None:
    project.dvc("remote", "add", "--default", "near", str(tmp_path / "near"))
    push(project)
    project.dvc("remote", "modify", "near", "url", serve(tmp_path / "near"))
    gone = cached(project, "main")
    gone.unlink()
    found, metrics = diff(project, "main", "better")
    assert metrics["roc_auc"].rows is None
    assert any("--fetch" in note for note in found.notes)
    assert not gone.exists()
    found, metrics = diff(project, "main", "better", fetch=True)
    assert metrics["roc_auc"].rows == 600
    assert gone.exists()


def test_a_fetch_that_fails_says_why(
    project: Project, tmp_path: Path, serve: Callable[[Path], str]
) -> None:
    (tmp_path / "empty").mkdir()
    project.dvc("remote", "add", "--default", "near", serve(tmp_path / "empty"))
    cached(project, "main").unlink()
    found, metrics = diff(project, "main", "better", fetch=True)
    assert metrics["roc_auc"].judgement == "better"
    assert any("the remote doesn't have it" in note for note in found.notes)
    project.dvc("remote", "remove", "near")
    found, _ = diff(project, "main", "better", fetch=True)
    assert any("no remote" in note.lower() for note in found.notes)


def test_rows_of_one_side_are_left_out_and_counted(project: Project) -> None:
    project.write(
        "evaluate.py", EVALUATE.replace("hits = sum", "rows = rows[:-60]\n    hits = sum")
    )
    project.dvc("repro", "--quiet")
    found, metrics = diff(project)
    assert metrics["roc_auc"].rows == 540
    assert any(
        "on the 540 rows that both predict; 60 are only in base, 0 only in head" in note
        for note in found.notes
    )


def test_too_few_rows_in_common_leave_the_intervals(project: Project) -> None:
    project.write("evaluate.py", EVALUATE.replace("range(600)", "range(400, 1000)"))
    project.dvc("repro", "--quiet")
    found, metrics = diff(project)
    assert metrics["roc_auc"].rows is None
    assert any("only 200 rows in common, of 600 and 600" in note for note in found.notes)


def test_a_target_that_changed_leaves_the_intervals(project: Project) -> None:
    project.write(
        "evaluate.py", EVALUATE.replace("label = int(shared", "label = int(i == 7) ^ int(shared")
    )
    project.dvc("repro", "--quiet")
    found, metrics = diff(project)
    assert metrics["roc_auc"].rows is None
    assert any("label differs in 1 of 600 same rows" in note for note in found.notes)


def test_metrics_of_other_rows_are_not_judged_by_these(project: Project) -> None:
    project.write("evaluate.py", EVALUATE.replace('"roc_auc": auc,', '"roc_auc": auc - 0.1,'))
    project.dvc("repro", "--quiet")
    found, metrics = diff(project)
    assert metrics["roc_auc"].rows is None
    assert metrics["log_loss"].rows == 600
    assert any("roc_auc is" in n and "the rows don't judge it" in n for n in found.notes)


def test_a_rounded_metric_is_still_that_of_the_rows(project: Project) -> None:
    project.write("evaluate.py", EVALUATE.replace('"roc_auc": auc,', '"roc_auc": round(auc, 3),'))
    project.dvc("repro", "--quiet")
    _, metrics = diff(project)
    assert metrics["roc_auc"].rows == 600


def test_without_a_key_the_order_of_the_rows_tells(project: Project) -> None:
    for branch in ("main", "better"):
        project.git("switch", "--quiet", branch)
        project.edit("fivefold.yaml", "  key: id\n", "")
        project.commit("Name no key")
    _, metrics = diff(project, "main", "better")
    assert metrics["roc_auc"].rows == 600
    project.write("evaluate.py", EVALUATE.replace("range(600)", "range(599)"))
    project.dvc("repro", "--quiet")
    found, metrics = diff(project, "main", "workspace")
    assert metrics["roc_auc"].rows is None
    assert any("no key tells the rows apart" in note for note in found.notes)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("score: p", "score: probability", "has no column probability"),
        ("key: id", "key: region", "the key doesn't tell the rows of base apart"),
        ("target: label", "target: region", "has no scores of"),
        ("task: binary", "task: regression", "metric"),
    ],
)
def test_a_wrong_declaration_is_said_and_the_rest_stands(
    project: Project, old: str, new: str, told: str
) -> None:
    for branch in ("main", "better"):
        project.git("switch", "--quiet", branch)
        project.edit("fivefold.yaml", old, new)
        if branch == "better":
            project.write("evaluate.py", EVALUATE.replace("range(600)", "range(1, 600)"))
            project.dvc("repro", "--quiet")
        project.commit("Declare it wrongly")
    found, metrics = diff(project, "main", "better")
    assert metrics["roc_auc"].rows is None
    assert metrics["roc_auc"].change is not None
    if told not in ("metric", "has no scores of"):
        assert any(told in note for note in found.notes), found.notes


def test_a_wrong_key_in_the_settings_is_the_users_mistake(project: Project) -> None:
    project.edit("fivefold.yaml", "score: p", "scores: p")
    with pytest.raises(HistoryError, match="no such key"):
        diff(project)


def test_the_layouts_that_the_evaluation_writes(new_project: Callable[..., Project]) -> None:
    """Ours: key, target, scores and prediction by their place, a score per class."""
    rng = np.random.default_rng(0)
    project = new_project()
    classes = np.array(["cat", "dog", "score"])
    true = rng.integers(0, 3, 300)
    shared = rng.normal(scale=0.8, size=(300, 3))
    for name, spread in (("main", 1.2), ("head", 0.4)):
        noisy = np.eye(3)[true] + shared + rng.normal(scale=spread, size=(300, 3))
        share = np.exp(noisy) / np.exp(noisy).sum(axis=1, keepdims=True)
        label = classes[share.argmax(axis=1)]
        columns = {"score": np.arange(300), "animal": classes[true]}
        columns |= {f"score_{c}": share[:, i] for i, c in enumerate(classes)}
        table = pa.table({**columns, "predicted": label})
        (project.path / "data").mkdir(exist_ok=True)
        parquet.write_table(table, project.path / "data/predictions.parquet")
        project.write(
            "params.yaml",
            """
            plan: {task: multiclass, target: animal, primary_metric: log_loss}
            evaluate: {key: [score]}
            """,
        )
        project.write(
            "metrics.json",
            {
                "log_loss": log_loss(true, share),
                "accuracy": accuracy_score(classes[true], label),
                "roc_auc": roc_auc_score(true, share, multi_class="ovr"),
            },
        )
        project.write("dvc.yaml", "metrics: [metrics.json]\n")
        project.dvc("add", "--quiet", "data/predictions.parquet")
        project.commit(name)
    found, metrics = diff(project, "HEAD~1", "HEAD")
    assert {metrics[name].rows for name in ("log_loss", "accuracy", "roc_auc")} == {300}
    assert metrics["log_loss"].judgement == "better"
    assert found.outcome == "better"


def test_numbers_are_compared_as_numbers(new_project: Callable[..., Project]) -> None:
    rng = np.random.default_rng(0)
    project = new_project()
    true = rng.normal(size=200)
    shared = rng.normal(scale=0.5, size=200)
    for name, spread in (("main", 0.3), ("head", 0.1)):
        value = true + shared + rng.normal(scale=spread, size=200)
        table = pa.table({"id": np.arange(200), "y": true, "predicted": value})
        (project.path / "data").mkdir(exist_ok=True)
        parquet.write_table(table, project.path / "data/predictions.parquet")
        project.write(
            "params.yaml",
            """
            plan: {task: regression, target: y, primary_metric: mean_absolute_error}
            evaluate: {key: [id]}
            """,
        )
        project.write("metrics.json", {"mean_absolute_error": float(abs(true - value).mean())})
        project.write("dvc.yaml", "metrics: [metrics.json]\n")
        project.dvc("add", "--quiet", "data/predictions.parquet")
        project.commit(name)
    _, metrics = diff(project, "HEAD~1", "HEAD")
    change = metrics["mean_absolute_error"]
    assert (change.rows, change.judgement) == (200, "better")
    assert change.interval is not None
    assert change.interval[1] < 0
