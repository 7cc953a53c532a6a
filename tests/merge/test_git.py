"""What Git does with the drivers and hooks of `fivefold setup`, in a plain repository."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from dvc.utils.serialize import dumps_yaml

from fivefold.merge.driver import merge_files
from fivefold.pipeline.params import is_merged, render_params
from fivefold.template import template_folder

ATTRIBUTES = template_folder() / "{{cookiecutter.project_slug}}" / ".gitattributes"


class Repository:
    def __init__(self, root: Path) -> None:
        self.root = root

    def git(self, *arguments: str, fails: bool = False) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.root, capture_output=True, text=True, check=False
        )
        said = done.stdout + done.stderr
        assert (done.returncode != 0) == fails, said
        return said

    def setup(self) -> list[str]:
        done = subprocess.run(
            [sys.executable, "-m", "fivefold", "setup"],
            cwd=self.root,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    def write(self, path: str, text: str | bytes) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode() if isinstance(text, str) else text)

    def read(self, path: str) -> str:
        return (self.root / path).read_text()

    def commit(self, branch: str, base: str | None = None, **files: str) -> None:
        """Commit files (`__` for a slash, `_` for a dot) on a branch of its own."""
        if base:
            self.git("switch", "--quiet", "--create", branch, base)
        for name, text in files.items():
            self.write(name.replace("__", "/").replace("_", "."), text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", branch)


@pytest.fixture
def bare(tmp_path: Path) -> Repository:
    """A repository that nobody has set up."""
    root = tmp_path / "it's a repo"
    root.mkdir()
    repository = Repository(root)
    repository.git("init", "--quiet", "--initial-branch=main")
    repository.write(".gitattributes", ATTRIBUTES.read_text())
    repository.write("dvc.yaml", "stages: {}\n")
    return repository


@pytest.fixture
def repository(bare: Repository) -> Repository:
    bare.setup()
    return bare


def lock(**stages: object) -> str:
    """Write a lock whose stages ran with a value; neighbours are far apart for Git's own merge."""
    entries = {
        name: {"cmd": name, "params": {"params.yaml": {"value": value, "more": list("abcdefgh")}}}
        for name, value in stages.items()
    }
    return dumps_yaml({"schema": "2.0", "stages": entries})


def stages(text: str) -> dict[str, object]:
    entries = yaml.safe_load(text).get("stages") or {}
    return {name: entry["params"]["params.yaml"]["value"] for name, entry in entries.items()}


def test_both_sides_ran_a_stage(repository: Repository) -> None:
    repository.commit("main", dvc_lock=lock(a=1, b=1, c=1), sub__dvc_lock=lock(s=1))
    repository.commit("left", "main", dvc_lock=lock(a=2, b=2, c=1), sub__dvc_lock=lock(s=2))
    repository.commit("right", "main", dvc_lock=lock(a=1, b=3, c=3), sub__dvc_lock=lock(s=3))
    said = repository.git("merge", "--no-edit", "left")
    assert "both sides ran b; next: dvc checkout --allow-missing && dvc repro" in said
    assert stages(repository.read("dvc.lock")) == {"a": 2, "c": 3}
    assert repository.read("sub/dvc.lock") == "schema: '2.0'\n"
    assert repository.git("status", "--porcelain") == ""


def test_a_lock_that_both_sides_added(repository: Repository) -> None:
    repository.commit("main", readme="")
    repository.commit("left", "main", dvc_lock=lock(a=1, b=1))
    repository.commit("right", "main", dvc_lock=lock(a=1, b=2))
    repository.git("merge", "--no-edit", "left")
    assert stages(repository.read("dvc.lock")) == {"a": 1}


def test_params_are_never_left_with_markers(repository: Repository) -> None:
    base = {"a": {"x": 1, "y": 1}, "b": [1], "code": {"a": "0"}}
    left = {"a": {"x": 2, "y": 1}, "b": [1, 2], "code": {"a": "1"}}
    right = {"a": {"x": 1, "y": 3}, "b": [1, 3], "code": {"a": "2"}, "c": None}
    repository.commit("main", params_yaml=render_params(base))
    repository.commit("left", "main", params_yaml=render_params(left))
    repository.commit("right", "main", params_yaml=render_params(right))
    repository.git("rebase", "left")
    found = repository.read("params.yaml")
    assert is_merged(found)
    # Replayed upon left, so left is ours.
    assert yaml.safe_load(found) == {
        "a": {"x": 2, "y": 3},
        "b": [1, 2],
        "code": {"a": "1"},
        "c": None,
    }


def test_outputs_are_a_side_s_whole_and_figures_are_merged_by_key(repository: Repository) -> None:
    def figures(**seconds: float) -> str:
        return json.dumps({name: {"seconds": value} for name, value in seconds.items()}, indent=2)

    lines = [f"{number}\n" for number in range(40)]
    page = {"left": "".join(["left\n", *lines]), "right": "".join([*lines, "right\n"])}
    repository.commit(
        "main", reports__page_html="".join(lines), metrics__profile_json=figures(a=1, b=1, c=1)
    )
    for side, ran in (("left", figures(a=2, b=2, c=1)), ("right", figures(a=1, b=3, c=3, d=3))):
        repository.commit(side, "main", reports__page_html=page[side], metrics__profile_json=ran)
    repository.git("merge", "--no-edit", "left")
    assert repository.read("reports/page.html") == page["right"]
    assert json.loads(repository.read("metrics/profile.json")) == {
        "a": {"seconds": 2},
        "b": {"seconds": 3},
        "c": {"seconds": 3},
        "d": {"seconds": 3},
    }


def test_timelines_are_merged_by_stage(repository: Repository) -> None:
    def lines(**steps: float) -> str:
        return "".join(f'{{"stage":"{name}","step":{step}}}\n' for name, step in steps.items())

    repository.commit("main", metrics__timeline_jsonl=lines(a=1, b=1, c=1))
    for side, ran in (("left", lines(a=2, b=2, c=1)), ("right", lines(a=1, b=3, c=3, d=3))):
        repository.commit(side, "main", metrics__timeline_jsonl=ran)
    repository.git("merge", "--no-edit", "left")
    assert repository.read("metrics/timeline.jsonl") == lines(a=2, b=3, c=3, d=3)


@pytest.mark.parametrize(
    ("name", "good", "broken", "said"),
    [
        ("dvc.lock", "schema: '2.0'\n", "stages: [\n", "not a lock file"),
        ("dvc.lock", "schema: '2.0'\n", "schema: '3.0'\nstages: {}\n", "schema: '2.0'"),
        ("dvc.lock", "schema: '2.0'\n", b"\xff\xfe", "not valid UTF-8"),
        ("params.yaml", "a: 1\n", "a: [\n", "not valid YAML"),
        ("params.yaml", "a: 1\n", "- a\n", "not a mapping"),
        ("metrics/profile.json", "{}", "{", "not valid JSON"),
        ("metrics/timeline.jsonl", '{"stage":"a"}\n', '{"a":1}\n', "names no stage"),
    ],
)
def test_what_has_no_meaning_is_an_ordinary_conflict(
    repository: Repository, name: str, good: str, broken: str | bytes, said: str
) -> None:
    for branch, text in (("main", good), ("left", good + "\n"), ("right", broken)):
        if branch != "main":
            repository.git("switch", "--quiet", "--create", branch, "main")
        repository.write(name, text)
        repository.commit(branch)
    shown = repository.git("merge", "--no-edit", "left", fails=True)
    assert "fivefold: " in shown
    assert said in shown
    assert "Traceback" not in shown
    assert f"UU {name}" in repository.git("status", "--porcelain")
    if isinstance(broken, str):
        assert "<<<<<<< ours" in repository.read(name)


def test_line_ends_stay_as_they_are(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("base", "ours", "theirs")]
    texts = [lock(a=1, b=1), lock(a=2, b=1).replace("\n", "\r\n"), lock(a=1, b=2)]
    for file, text in zip(files, texts, strict=True):
        file.write_bytes(text.encode())
    assert merge_files("lock", *files, 7, "dvc.lock")
    assert files[1].read_bytes() == lock(a=2, b=2).replace("\n", "\r\n").encode()


def test_a_clone_that_is_set_up_in_the_middle_of_a_merge(bare: Repository) -> None:
    bare.commit("main", dvc_lock=lock(a=1, b=1))
    bare.commit("left", "main", dvc_lock=lock(a=1, b=2))
    bare.commit("right", "main", dvc_lock=lock(a=3, b=3))
    bare.git("merge", "--no-edit", "left", fails=True)
    assert "<<<<<<<" in bare.read("dvc.lock")
    bare.setup()
    bare.git("checkout", "--merge", "--", "dvc.lock")
    assert stages(bare.read("dvc.lock")) == {"a": 3}


def test_an_octopus_leaves_no_entry_that_no_branch_had(repository: Repository) -> None:
    def entry(first: int, last: int) -> str:
        params = {"params.yaml": {"first": first, "more": list("abcdefgh"), "last": last}}
        return dumps_yaml({"schema": "2.0", "stages": {"a": {"cmd": "a", "params": params}}})

    repository.commit("main", dvc_lock=entry(1, 1), base_txt="")
    repository.commit("left", "main", dvc_lock=entry(2, 1))
    repository.commit("right", "main", dvc_lock=entry(1, 2))
    repository.commit("other", "main", other_txt="")
    said = repository.git("merge", "--no-edit", "left", "right")
    # Git merges the files of an octopus as text, and asks no driver.
    mixed = repository.git("show", "HEAD:dvc.lock")
    assert yaml.safe_load(mixed) == yaml.safe_load(entry(2, 2))
    assert "no branch ran a as the merge has it" in said
    assert repository.read("dvc.lock") == "schema: '2.0'\n"


def test_setup_says_what_it_did_and_can_be_repeated(bare: Repository) -> None:
    hook = bare.root / ".git" / "hooks" / "post-merge"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho ours\n")
    first = bare.setup()
    config = (bare.root / ".git" / "config").read_text()
    assert [line.rpartition(": ")[2] for line in first] == ["set"] * 4 + ["installed"] * 2
    assert [line.rpartition(": ")[2] for line in bare.setup()] == ["there"] * 6
    assert (bare.root / ".git" / "config").read_text() == config
    assert hook.read_text().count("after-merge") == 1
    bare.commit("main", readme="")
    bare.commit("left", "main", left_txt="")
    bare.git("switch", "--quiet", "main")
    assert "ours" in bare.git("merge", "--no-edit", "--no-ff", "left")
    bare.git("config", "merge.fivefold-lock.driver", "false")
    assert bare.setup()[0].endswith("set anew")


def test_setup_leaves_alone_what_is_the_user_s(bare: Repository) -> None:
    hook = bare.root / ".git" / "hooks" / "post-merge"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/usr/bin/env python3\n")
    (bare.root / ".gitattributes").unlink()
    said = "\n".join(bare.setup())
    assert "yours is no shell script" in said
    assert hook.read_text() == "#!/usr/bin/env python3\n"
    assert ".gitattributes names no driver for dvc.lock, params.yaml" in said
    bare.git("config", "core.hooksPath", ".githooks")
    assert "core.hooksPath is .githooks" in "\n".join(bare.setup())


def test_setup_outside_a_repository_is_refused(tmp_path: Path) -> None:
    (tmp_path / "dvc.yaml").write_text("stages: {}\n")
    done = subprocess.run(
        [sys.executable, "-m", "fivefold", "setup"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "not inside a Git working tree" in done.stderr
    assert "Traceback" not in done.stderr
