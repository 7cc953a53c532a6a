"""The values read are those that DVC shows, on repositories that Fivefold didn't make."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from fivefold.history.dvc.values import FileValues
from fivefold.history.reader import Reader

from ..conftest import REPOSITORY
from .conftest import Project
from .faithful import (
    assert_same,
    exp_show,
    metrics_by_dvc,
    metrics_by_us,
    params_by_dvc,
    params_by_us,
)

# DVC leaves out lists, nulls and dates. We keep them, because a metric that became null should not
# look as if it had never been.
SCRIPT = """
    import json, pathlib, sys
    out, value = pathlib.Path(sys.argv[1]), float(sys.argv[2])
    out.parent.mkdir(parents=True, exist_ok=True)
    values = {"acc": value, "deep": {"er": {"loss": 1 - value, "steps": 10}}, "note": "fine"}
    if out.suffix == ".json":
        values |= {"nan": float("nan"), "inf": float("inf"), "none": None, "list": [1, {"a": 2}]}
        values |= {"whole": 1.0, "zero": 0, "minus": -0.0, "huge": 10**30, "tiny": 5e-324}
        values |= {"yes": True, "empty": {}, "dotted.key": 3, "größe": 0.1 + 0.2, "": 7}
        out.write_text(json.dumps(values))
    elif out.suffix == ".toml":
        out.write_text('acc = %r\\nnote = "fine"\\n[deep]\\nloss = 0.5\\nnan = nan\\n'
                       'hex = 0xff\\nday = 2024-01-31\\n' % value)
    else:
        out.write_text('acc: %r\\nyes_no: no\\noctal: 010\\nexp: 1e3\\nday: 12:30\\n'
                       'none: null\\nnan: .nan\\ndeep: {on: 1, off: 2.50}\\n'
                       'date: 2024-01-31\\n3: three\\n' % value)
"""

ROOT = """
    vars:
      - models: {small: 0.5, big: 0.75}
    stages:
      each:
        foreach: ${models}
        do:
          cmd: python score.py metrics/${key}.json ${item}
          deps: [score.py]
          params: [seed]
          metrics:
            - metrics/${key}.json: {cache: false}
      grid:
        matrix: {depth: "${depths}", kind: [x, y]}
        cmd: python score.py grid/${item.kind}_${item.depth}.toml 0.${item.depth}
        params:
          - other.toml: [section]
        metrics:
          - grid/${item.kind}_${item.depth}.toml
      folder:
        wdir: inner
        cmd: python ../score.py out/one.yaml 0.25
        outs: [out]
      python:
        cmd: python score.py python.json 0.5
        params:
          - hyper.py: [RATE, Train.depth]
        metrics:
          - python.json: {cache: false}
    metrics:
      - ${top}
      - zero.json
      - inner/out/one.yaml
    params:
      - more.json
      - dates.yaml
    plots:
      - curve.csv
"""

HYPER = """
    RATE = 0.5
    UNUSED = 2
    class Train:
        depth = 3
        names = ["a", "b"]
"""


@pytest.fixture(scope="session")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A plain DVC repository with everything that its files may declare."""
    from .conftest import start

    project = start(tmp_path_factory.mktemp("foreign") / "project")
    project.write("score.py", SCRIPT)
    project.write("dvc.yaml", ROOT)
    project.write(
        "params.yaml",
        "depths: [3, 7]\ntop: top.json\nseed: 1\nnested: {list: [1, {a: 2}]}\n",
    )
    project.write("other.toml", "unused = 1\n[section]\nrate = 1e-3\nname = 'a'\n")
    project.write("hyper.py", HYPER)
    project.write("more.json", {"a": {"b": None, "c": [1, 2]}})
    project.write("top.json", "0.5")
    project.write("zero.json", "0")
    project.write("curve.csv", "x,y\n1,2\n")
    project.write("inner/.gitkeep", "")
    project.write(
        "sub/dvc.yaml",
        """
        vars: [../shared.yaml]
        stages:
          score:
            wdir: ${folder}
            cmd: python ../../score.py ../result.yaml 0.125
            params: [rate]
            metrics:
              - ../result.yaml
        metrics: [plain.toml]
        """,
    )
    project.write("shared.yaml", "folder: deep\n")
    project.write("sub/deep/params.yaml", "rate: 0.1\nunused: 3\n")
    project.write("sub/plain.toml", "[a]\nb = 1\n")
    project.dvc("repro", "--quiet", "--all-pipelines")
    good = (project.path / "metrics/small.json").read_text()
    project.write("metrics/small.json", f"<<<<<<< HEAD\n{good}\n=======\n{good}\n>>>>>>> other\n")
    project.write("more.json", '{"a": ')
    project.commit("Break two files")
    project.write("metrics/small.json", good)
    project.write("more.json", {"a": {"b": None, "c": [1, 2]}})
    project.commit("Run everything")
    project.git("switch", "--quiet", "--create", "dated")
    project.write("dates.yaml", "when: 2024-01-31\n")
    project.commit("Set a date")
    project.git("switch", "--quiet", "main")
    project.write("dates.yaml", "when: 2024-01-31\n")
    return project


@pytest.fixture(scope="session")
def shown(foreign: Project) -> dict[str, dict[str, Any]]:
    return exp_show(foreign, "--all-commits")


def test_every_revision_is_as_dvc_shows_it(
    foreign: Project, shown: dict[str, dict[str, Any]]
) -> None:
    reader = foreign.reader()
    resolve = reader.repository.resolve
    names = {"workspace": "workspace", "good": "HEAD", "broken": "HEAD~1"}
    for name, revision in names.items():
        commit = resolve(revision).commit
        data = shown[str(commit.id) if commit else "workspace"]
        snapshot = reader.repository.snapshot(resolve(revision))
        metrics, params = reader.metrics(snapshot), reader.params(snapshot)
        # DVC takes a file whose whole content is 0 for an empty one.
        assert metrics.pop("zero.json").values == {"": 0}
        assert_same(metrics_by_us(metrics), metrics_by_dvc(data))
        assert_same(params_by_us(params), params_by_dvc(data))
        # Cached ones have no blob in Git: they come from DVC's cache by the lock's hash.
        assert len(metrics_by_dvc(data)) == (70 if name == "broken" else 85)
        assert errors(metrics) == {p for p, file in data["metrics"].items() if "error" in file}
        assert errors(params) == {p for p, file in data["params"].items() if "error" in file}
    assert errors(metrics) == {"metrics/small.json"}
    assert errors(params) == {"more.json", "dates.yaml"}


def test_a_date_in_the_params(foreign: Project, shown: dict[str, dict[str, Any]]) -> None:
    # DVC shows nothing of such a commit: it fails to write the date down as JSON.
    assert shown[foreign.git("rev-parse", "dated")] is None
    reader = foreign.reader()
    params = reader.params(reader.repository.snapshot(reader.repository.resolve("dated")))
    assert params["dates.yaml"].values == {"when": date(2024, 1, 31)}


def errors(files: dict[str, FileValues]) -> set[str]:
    return {path for path, file in files.items() if file.error}


def test_metrics_show_tells_the_same(foreign: Project) -> None:
    (shown,) = json.loads(foreign.dvc("metrics", "show", "--json")).values()
    reader = foreign.reader()
    metrics = reader.metrics(reader.repository.snapshot(reader.repository.workspace()))
    del metrics["zero.json"]
    assert_same(metrics_by_us(metrics), metrics_by_dvc({"metrics": shown["data"]}))


def test_what_dvc_leaves_out_is_kept(foreign: Project) -> None:
    reader = foreign.reader()
    metrics = reader.metrics(reader.repository.snapshot(reader.repository.head()))
    assert metrics["metrics/big.json"].values["none"] is None
    assert metrics["metrics/big.json"].values["list"] == [1, {"a": 2}]
    assert metrics["grid/x_3.toml"].values["deep.day"] == date(2024, 1, 31)
    assert metrics["sub/result.yaml"].values["date"] == date(2024, 1, 31)


def test_a_cache_that_moved_is_found(foreign: Project, tmp_path: Path) -> None:
    project = foreign.copy(tmp_path / "project")
    (project.path / ".dvc" / "cache").rename(tmp_path / "elsewhere")
    project.write(".dvc/config.local", f"[cache]\n    dir = {tmp_path / 'elsewhere'}\n")
    reader = project.reader()
    found = reader.metrics(reader.repository.snapshot(reader.repository.head()))
    assert not [file.error for file in found.values() if file.error]


def test_a_content_that_nobody_fetched_says_so(foreign: Project, tmp_path: Path) -> None:
    project = foreign.copy(tmp_path / "project")
    project.run("rm", "-r", ".dvc/cache")
    reader = project.reader()
    found = reader.metrics(reader.repository.snapshot(reader.repository.head()))
    assert "dvc fetch" in str(found["sub/result.yaml"].error)
    assert found["metrics/big.json"].error is None


def test_a_byte_that_changed_in_the_cache_is_told(foreign: Project, tmp_path: Path) -> None:
    project = foreign.copy(tmp_path / "project")
    value = yaml.safe_load((project.path / "sub/dvc.lock").read_text())["stages"]["score"]
    digest = value["outs"][0]["md5"]
    cached = project.path / ".dvc/cache/files/md5" / digest[:2] / digest[2:]
    data = cached.read_bytes()
    assert b"acc: 0.125" in data
    cached.chmod(0o644)
    cached.write_bytes(data.replace(b"acc: 0.125", b"acc: 0.925"))
    reader = project.reader()
    found = reader.metrics(reader.repository.snapshot(reader.repository.head()))
    assert found["sub/result.yaml"].values == {}
    assert "is not what was hashed" in str(found["sub/result.yaml"].error)


def test_the_tests_that_the_documentation_names_exist() -> None:
    named = re.findall(r"`(test_\w+)`", (REPOSITORY / "docs/faithful.md").read_text())
    written = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    assert len(named) > 5
    assert not [name for name in named if f"def {name}(" not in written]


def test_the_stages_are_those_that_dvc_lists(foreign: Project) -> None:
    reader = foreign.reader()
    declared = reader.declared(reader.repository.snapshot(reader.repository.head()))
    listed = foreign.dvc("stage", "list", "--all", "--name-only").split()
    assert sorted(declared.stages) == sorted(listed)
    assert [drawing.files for drawing in declared.drawings] == [(("curve.csv", ()),)]


def test_a_repository_that_dvc_calls_up_to_date_has_integrity(foreign: Project) -> None:
    from fivefold.history.integrity import check

    assert "up to date" in foreign.dvc("status")
    reader = foreign.reader()
    found = check(reader, reader.repository.snapshot(reader.repository.head()))
    assert found.status == "unverified"
    assert found.reasons == tuple(
        f"no stage writes {path}" for path in ("top.json", "zero.json", "sub/plain.toml")
    )


def test_a_template_follows_the_params_of_its_commit(foreign: Project, tmp_path: Path) -> None:
    project = foreign.copy(tmp_path / "project")
    project.edit("params.yaml", "[3, 7]", "[4]")
    project.commit("Another grid")
    reader = project.reader()
    assert "grid/x_4.toml" in declared_metrics(reader, "HEAD")
    assert "grid/x_4.toml" not in declared_metrics(reader, "HEAD~1")
    assert "grid/x_7.toml" in declared_metrics(reader, "HEAD~1")


def declared_metrics(reader: Reader, revision: str) -> tuple[str, ...]:
    repository = reader.repository
    return reader.declared(repository.snapshot(repository.resolve(revision))).metrics


def test_a_template_that_dvc_refuses_is_a_problem_of_that_commit(
    new_project: Callable[..., Project],
) -> None:
    project = new_project()
    project.write(
        "dvc.yaml", "stages: {a: {cmd: 'echo ${nothing}', metrics: ['${nothing}.json']}}\n"
    )
    project.commit("Break it")
    reader = project.reader()
    declared = reader.declared(reader.repository.snapshot(reader.repository.head()))
    assert declared.metrics == ()
    assert "nothing" in declared.problems[0]
