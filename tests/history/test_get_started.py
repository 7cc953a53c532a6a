"""A pipeline in the shape of DVC's get-started project, with experiments, as DVC shows it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fivefold.errors import HistoryError
from fivefold.history.diff.compare import compare
from fivefold.history.integrity import check
from fivefold.history.leaderboard.ranking import rank_runs
from fivefold.history.runs import collect_runs, find_tips

from .conftest import Project, start
from .faithful import assert_as_dvc_shows, exp_show

STAGE = """
    import json, pathlib, sys
    params = dict(line.strip().split(": ") for line in open("params.yaml") if line[0] == " ")
    name, source, out = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    files = source.rglob("*") if source.is_dir() else [source]
    size = sum(path.stat().st_size for path in files if path.is_file())
    if name == "evaluate":
        curves = out / "plots" / "sklearn" / "roc"
        curves.mkdir(parents=True, exist_ok=True)
        for part in ("train", "test"):
            points = [{"fpr": x / 4, "tpr": x / 5} for x in range(5)]
            (curves / f"{part}.json").write_text(json.dumps({"roc": points}))
        (out / "importance.svg").write_text("<svg/>")
        scores = {"avg_prec": {"train": 0.9, "test": 1 / size}, "size": size, "perfect": 1.0}
        (out / "metrics.json").write_text(json.dumps(scores))
        pathlib.Path("live/plots/deep").mkdir(parents=True, exist_ok=True)
        for name in ("b-c.tsv", "deep/a.tsv", "b.tsv"):
            pathlib.Path("live/plots", name).write_text(f"step\\t{size}\\n")
        pathlib.Path("live/metrics.json").write_text(json.dumps({"step": 3, "loss": 1 / size}))
    elif out.suffix:
        out.write_text(f"{params['n_est']}\\n" * size)
    else:
        out.mkdir(parents=True, exist_ok=True)
        for part in ("train", "test"):
            row = f"{name} {part} {size} {params['max_features']}\\n"
            (out / f"{part}.tsv").write_text(row)
"""

PIPELINE = """
    stages:
      prepare:
        cmd: python src/stage.py prepare data/data.xml data/prepared
        deps: [data/data.xml, src/stage.py]
        params: [prepare.seed, prepare.split]
        outs: [data/prepared]
      featurize:
        cmd: python src/stage.py featurize data/prepared data/features
        deps: [data/prepared, src/stage.py]
        params: [featurize.max_features, featurize.ngrams]
        outs: [data/features]
      train:
        cmd: python src/stage.py train data/features model.pkl
        deps: [data/features, src/stage.py]
        params: [train.min_split, train.n_est, train.seed]
        outs: [model.pkl]
      evaluate:
        cmd: python src/stage.py evaluate model.pkl eval
        deps: [data/features, model.pkl, src/stage.py]
        outs:
          - eval
          - live/plots: {cache: false}
        metrics:
          - live/metrics.json: {cache: false}
    metrics:
      - eval/metrics.json
    plots:
      - ROC:
          template: simple
          x: fpr
          y:
            eval/plots/sklearn/roc/train.json: tpr
            eval/plots/sklearn/roc/test.json: tpr
      - eval/importance.svg
    artifacts:
      text-classification:
        path: model.pkl
        type: model
        desc: Detect whether a question is about R
        labels: [nlp, classification]
"""

PARAMS = """
    prepare:
      split: 0.20
      seed: 20170428
    featurize:
      max_features: 100
      ngrams: 1
    train:
      seed: 20170428
      n_est: 50
      min_split: 0.01
"""


@pytest.fixture(scope="session")
def started(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Two commits on main, a branch and a tag on the first, an experiment and one in the queue."""
    project = start(tmp_path_factory.mktemp("get-started") / "project")
    project.write("src/stage.py", STAGE)
    project.write("dvc.yaml", PIPELINE)
    project.write("params.yaml", PARAMS)
    project.write("data/data.xml", "<rows>\n" + "<row/>\n" * 20 + "</rows>\n")
    project.dvc("add", "--quiet", "data/data.xml")
    project.dvc("repro", "--quiet")
    project.commit("Bag of words")
    project.git("branch", "bag")
    project.git("tag", "baseline")
    project.edit("params.yaml", "max_features: 100", "max_features: 20000")
    project.dvc("repro", "--quiet")
    project.commit("More features")
    project.dvc("exp", "run", "--quiet", "--name", "tiny-trees", "--set-param", "train.n_est=7")
    project.git("checkout", "--quiet", "--", ".")
    project.dvc("exp", "run", "--quiet", "--queue", "--name", "later", "-S", "train.n_est=9")
    return project


def test_every_revision_is_as_dvc_shows_it(started: Project) -> None:
    shown = exp_show(started, "--all-commits")
    reader = started.reader()
    resolve = reader.repository.resolve
    names = ("main", "baseline", "tiny-trees")
    assert shown.keys() == {"workspace", *(str(resolve(name).commit.id) for name in names)}  # type: ignore[union-attr]
    for revision, data in shown.items():
        assert_as_dvc_shows(reader, reader.repository.snapshot(resolve(revision)), data)


def test_changes_are_as_dvc_tells_them(started: Project) -> None:
    reader = started.reader()
    resolve = reader.repository.resolve
    found = compare(reader, resolve("baseline"), resolve("main"))
    told = json.loads(started.dvc("metrics", "diff", "--json", "baseline", "main"))
    theirs = {
        (file, name): (change["old"], change["new"], change["diff"])
        for file, changes in told.items()
        for name, change in changes.items()
    }
    ours = {(c.file, c.name): (c.base, c.head, c.change) for c in found.metrics}
    assert theirs == {key: ours[key] for key in theirs}
    assert len(theirs) == 3
    told = json.loads(started.dvc("params", "diff", "--json", "baseline", "main"))
    assert told == {
        "params.yaml": {"featurize.max_features": {"old": 100, "new": 20000, "diff": 19900}}
    }
    assert [(c.file, c.name, c.base, c.head) for c in found.params] == [
        ("params.yaml", "featurize.max_features", 100, 20000)
    ]
    assert [stage.name for stage in found.stages] == ["featurize", "train", "evaluate"]


def test_an_experiment_is_a_run_under_its_name(started: Project) -> None:
    references = started.git("for-each-ref", "--format=%(refname)", "refs/exps")
    # DVC keeps more there than experiments: what is checked out, and what waits in the queue.
    assert {name.split("/")[2] for name in references.split()} >= {"exec", "celery"}
    reader = started.reader()
    tips = find_tips(reader.repository, (), everything=True)
    assert [tip.name for tip in tips] == ["main", "bag", "baseline", "tiny-trees"]
    runs = collect_runs(reader, tips, workspace=False)
    # The merge of names: a branch and a tag of the same commit are one run.
    assert [(run.branch, run.subject) for run in runs[1:]] == [
        ("main", "More features"),
        ("main", "Bag of words"),
    ]
    assert runs[0].branch == "tiny-trees"
    resolve = reader.repository.resolve
    found = compare(reader, resolve("main"), resolve("tiny-trees"))
    assert [(c.name, c.base, c.head) for c in found.params] == [("train.n_est", 50, 7)]
    with pytest.raises(HistoryError, match="did you mean 'tiny-trees'"):
        resolve("tiny-tree")


def test_its_runs_have_integrity_and_rank(started: Project) -> None:
    reader = started.reader()
    tips = find_tips(reader.repository, (), everything=True)
    found = rank_runs(reader, tips, metric="avg_prec.test:maximize")
    assert [row.run.branch for row in found.rows] == ["tiny-trees", "main", "main"]
    assert [row.integrity.status for row in found.rows if row.integrity] == ["ok"] * 3
    # Git restored the lock after the experiment, but nobody called `dvc checkout`.
    (row,) = found.unranked
    assert (row.run.id, row.integrity.status if row.integrity else "") == ("workspace", "edited")
    assert row.reasons == ("eval/metrics.json is not what eval was when its stage ran",)


def test_a_folder_that_git_keeps_is_held_against_the_lock(started: Project, tmp_path: Path) -> None:
    project = started.copy(tmp_path / "project")
    project.git("checkout", "--quiet", "-B", "main", "baseline")
    project.write("live/plots/deep/a.tsv", "step\t0.1\n")
    project.commit("Draw a nicer curve")
    reader = project.reader()
    found = check(reader, reader.repository.snapshot(reader.repository.head()))
    assert (found.status, found.reasons) == (
        "edited",
        ("live/plots is not what stage evaluate wrote",),
    )


def test_a_metric_in_a_cached_folder_needs_the_cache(started: Project, tmp_path: Path) -> None:
    clone = Project(tmp_path / "clone")
    started.git("clone", "--quiet", str(started.path), str(clone.path))
    reader = clone.reader()
    files = reader.metrics(reader.repository.snapshot(reader.repository.head()))
    assert "dvc fetch" in str(files["eval/metrics.json"].error)
    assert files["live/metrics.json"].values["step"] == 3
