"""The values read are those that DVC shows, on repositories that Fivefold didn't make."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import pytest

from fivefold.history.dvc.values import FileValues, flatten, same
from fivefold.history.reader import Reader

from .conftest import Project

# Lists and nulls: DVC leaves both out of its JSON. We keep them, because a metric that became null
# should not look as if it had never been.
SCRIPT = """
    import json, pathlib, sys
    out, value = pathlib.Path(sys.argv[1]), float(sys.argv[2])
    out.parent.mkdir(parents=True, exist_ok=True)
    values = {"acc": value, "deep": {"er": {"loss": 1 - value, "steps": 10}}, "note": "fine"}
    if out.suffix == ".json":
        values |= {"nan": float("nan"), "inf": float("inf"), "none": None, "list": [1, 2]}
        out.write_text(json.dumps(values))
    elif out.suffix == ".toml":
        out.write_text('acc = %r\\nnote = "fine"\\n[deep]\\nloss = 0.5\\nnan = nan\\n' % value)
    else:
        out.write_text('acc: %r\\nyes_no: no\\noctal: 010\\nexp: 1e3\\nday: 12:30\\n'
                       'none: null\\nnan: .nan\\ndeep: {on: 1, off: 2.50}\\n' % value)
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
    metrics:
      - ${top}
      - inner/out/one.yaml
    params:
      - more.json
      - dates.yaml
    plots:
      - curve.csv
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
    project.write("more.json", {"a": {"b": None, "c": [1, 2]}})
    project.write("dates.yaml", "when: 2024-01-31\n")
    project.write("top.json", "0.5")
    project.write("curve.csv", "x,y\n1,2\n")
    project.write("inner/.gitkeep", "")
    project.write(
        "sub/dvc.yaml",
        """
        stages:
          score:
            cmd: python ../score.py result.yaml 0.125
            params: [rate]
            metrics:
              - result.yaml
        """,
    )
    project.write("sub/params.yaml", "rate: 0.1\nunused: 3\n")
    project.dvc("repro", "--quiet", "--all-pipelines")
    project.commit("Run everything")
    return project


def shown(values: dict[str, FileValues]) -> dict[str, dict[str, Any]]:
    """What DVC would show of ours: without nulls and lists."""
    return {
        path: {
            name: value
            for name, value in file.values.items()
            if value is not None and not isinstance(value, list)
        }
        for path, file in values.items()
        if not file.error
    }


def by_dvc(project: Project, *command: str) -> dict[str, dict[str, Any]]:
    found = json.loads(project.dvc(*command, "--json"))
    (revision,) = found.values()
    return {
        path: {
            name: value
            for name, value in flatten(file["data"]).items()
            if value is not None and not isinstance(value, list)
        }
        for path, file in revision["data"].items()
        if "error" not in file
    }


def test_metrics_are_those_that_dvc_shows(foreign: Project) -> None:
    expected = by_dvc(foreign, "metrics", "show")
    assert len(expected) == 9
    reader = foreign.reader()
    workspace = reader.repository.snapshot(reader.repository.workspace())
    found = shown(reader.metrics(workspace))
    assert found.keys() == expected.keys()
    assert same(found, expected), (found, expected)


def test_metrics_of_a_commit_are_those_of_its_working_tree(foreign: Project) -> None:
    # The cached ones have no blob in Git: they come from DVC's cache by the lock's hash.
    reader = foreign.reader()
    commit = reader.repository.snapshot(reader.repository.head())
    assert same(shown(reader.metrics(commit)), by_dvc(foreign, "metrics", "show"))


def test_a_cache_that_moved_is_found(foreign: Project, tmp_path: Any) -> None:
    project = foreign.copy(tmp_path / "project")
    (project.path / ".dvc" / "cache").rename(tmp_path / "elsewhere")
    project.dvc("cache", "dir", "../../elsewhere", "--local")
    project.dvc("config", "--local", "cache.dir", str(tmp_path / "elsewhere"))
    reader = project.reader()
    found = reader.metrics(reader.repository.snapshot(reader.repository.head()))
    assert not [file.error for file in found.values() if file.error]


def test_a_content_that_nobody_fetched_says_so(foreign: Project, tmp_path: Any) -> None:
    project = foreign.copy(tmp_path / "project")
    project.run("rm", "-r", ".dvc/cache")
    reader = project.reader()
    found = reader.metrics(reader.repository.snapshot(reader.repository.head()))
    assert "dvc fetch" in str(found["sub/result.yaml"].error)
    assert found["metrics/big.json"].error is None


def test_params_are_those_that_dvc_shows(foreign: Project) -> None:
    # No command shows params; what `dvc exp show` prints of them comes from this call.
    program = "import json, dvc.repo as r; print(json.dumps(r.Repo().params.show(), default=str))"
    (listed,) = json.loads(foreign.run(sys.executable, "-c", program)).values()
    expected = {
        (path, name): value
        for path, file in listed["data"].items()
        for name, value in flatten(file["data"]).items()
    }
    reader = foreign.reader()
    found = {
        (path, name): value
        for path, file in reader.params(
            reader.repository.snapshot(reader.repository.head())
        ).items()
        for name, value in file.values.items()
    }
    assert str(found["dates.yaml", "when"]) == expected["dates.yaml", "when"]
    found["dates.yaml", "when"] = expected["dates.yaml", "when"]
    assert found.keys() == expected.keys()
    assert same({str(k): v for k, v in found.items()}, {str(k): v for k, v in expected.items()})


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
    assert (found.status, found.reasons) == ("unverified", ("no stage writes top.json",))


def test_a_template_follows_the_params_of_its_commit(foreign: Project, tmp_path: Any) -> None:
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
