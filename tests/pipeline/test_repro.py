"""``fivefold repro``: the same dvc.lock as DVC's own run, with stages side by side."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from fivefold.errors import PipelineError
from fivefold.pipeline.remote import push_results
from tests.pipeline.conftest import Project

# A chain, a diamond, a foreach, a folder as output, a metric in Git, several commands, a wdir.
PIPELINE = """
    stages:
      zip:
        cmd: cat a.txt b.txt > ab.txt
        deps: [a.txt, b.txt]
        outs: [ab.txt]
      left:
        cmd: tr a-z A-Z < in.txt > a.txt
        deps: [in.txt]
        outs: [a.txt]
      right:
        cmd:
          - rev in.txt > b.txt
          - echo more >> b.txt
        deps: [in.txt]
        params: [right]
        outs: [b.txt]
      arm:
        foreach: [x, y, z]
        do:
          cmd: mkdir -p arm-${item} && cp ab.txt arm-${item}/copy.txt
          deps: [ab.txt]
          outs:
            - arm-${item}
      score:
        wdir: sub
        cmd: wc -c < ../ab.txt > score.json
        deps: [../ab.txt]
        metrics:
          - score.json: {cache: false}
"""


@pytest.fixture
def plain(tmp_path: Path) -> Project:
    project = Project(tmp_path / "plain")
    project.root.mkdir()
    project.call("git", "init", "--quiet")
    project.call("dvc", "init", "--quiet")
    project.write("dvc.yaml", textwrap.dedent(PIPELINE))
    project.write("in.txt", "hello\n")
    project.write("params.yaml", "right: 1\n")
    project.write("sub/.gitkeep", "")
    return project


def twin(project: Project) -> Project:
    other = Project(project.root.with_name("twin"))
    shutil.copytree(project.root, other.root, symlinks=True)
    return other


def test_gives_the_lock_that_dvc_gives(plain: Project) -> None:
    other = twin(plain)
    other.repro()
    done = plain.fivefold("repro", "--jobs", "4")
    assert "7 ran" in done.stderr
    assert plain.read("dvc.lock") == other.read("dvc.lock")
    # The stages of one foreach end in any order.
    entries = [sorted(project.read(".gitignore").split()) for project in (plain, other)]
    assert entries[0] == entries[1]
    assert plain.repro() == []
    assert "7 unchanged" in plain.fivefold("repro").stderr


def test_runs_what_changed_and_nothing_else(plain: Project) -> None:
    plain.repro()
    plain.write("params.yaml", "right: 2\n")
    other = twin(plain)
    other.repro()
    # The output of `right` is the same, so nothing below it runs.
    done = plain.fivefold("repro")
    assert "1 ran, 6 unchanged" in done.stderr
    assert plain.read("dvc.lock") == other.read("dvc.lock")


def test_takes_a_target_with_what_it_needs(plain: Project) -> None:
    done = plain.fivefold("repro", "zip")
    assert "3 ran" in done.stderr
    assert not (plain.root / "arm-x").exists()


def test_refuses_a_target_that_is_not_there(plain: Project) -> None:
    said = plain.refused(sys.executable, "-m", "fivefold", "repro", "zap")
    assert "zap" in said


def test_restores_what_the_run_cache_has(plain: Project) -> None:
    plain.repro()
    plain.write("in.txt", "other\n")
    plain.repro()
    plain.write("in.txt", "hello\n")
    done = plain.fivefold("repro")
    assert "restored" in done.stderr
    assert plain.read("a.txt") == "HELLO\n"
    assert plain.repro() == []


_REPORTED = """\
stages:
  read:
    cmd: cat in.txt > data.txt && wc -c < in.txt > report.txt
    deps: [in.txt]
    outs:
      - data.txt
      - report.txt: {cache: false}
"""


def test_restores_a_report_that_only_git_keeps(plain: Project) -> None:
    plain.write("dvc.yaml", _REPORTED)
    plain.fivefold("repro")
    plain.write("in.txt", "another\n")
    plain.fivefold("repro")
    plain.write("in.txt", "hello\n")
    done = plain.fivefold("repro")
    assert "1 restored" in done.stderr
    assert plain.read("report.txt").strip() == "6"
    assert plain.repro() == []


def test_keeps_no_run_whose_uncached_output_is_large(plain: Project) -> None:
    pipeline = _REPORTED.replace(
        "wc -c < in.txt > report.txt", "head -c 34M /dev/zero > report.txt"
    )
    plain.write("dvc.yaml", pipeline)
    for text in ("hello\n", "another\n", "hello\n"):
        plain.write("in.txt", text)
        assert "1 ran" in plain.fivefold("repro").stderr


def test_pulls_what_the_remote_has_and_runs_the_rest(plain: Project, tmp_path: Path) -> None:
    remote = tmp_path / "remote"
    plain.write("dvc.yaml", _REPORTED)
    plain.call("dvc", "remote", "add", "--default", "storage", str(remote))
    plain.fivefold("repro")
    push_results(plain.root)
    for name in ("data.txt", "report.txt"):
        (plain.root / name).unlink()
    shutil.rmtree(plain.root / ".dvc" / "cache")
    done = plain.fivefold("repro", "--pull")
    assert "1 restored" in done.stderr, done.stderr
    assert plain.read("data.txt") == "hello\n"
    assert plain.read("report.txt").strip() == "6"

    for path in remote.rglob("*"):
        if path.is_file():
            path.unlink()
    (plain.root / "data.txt").unlink()
    shutil.rmtree(plain.root / ".dvc" / "cache")
    assert "1 ran" in plain.fivefold("repro", "--pull").stderr


def test_pulls_nothing_where_there_is_no_remote(plain: Project) -> None:
    assert "ran" in plain.fivefold("repro", "--pull").stderr


def test_a_remote_that_refuses_is_named(plain: Project, tmp_path: Path) -> None:
    plain.repro()
    (tmp_path / "remote").write_text("a file, no folder")
    plain.call("dvc", "remote", "add", "--default", "storage", str(tmp_path / "remote"))
    with pytest.raises(PipelineError, match="storage"):
        push_results(plain.root)


def test_independent_stages_run_at_once(plain: Project) -> None:
    # Each waits for the other's sign: one after the other, the first would wait in vain.
    wait = "for i in $(seq 200); do test -e {0} && exit 0; sleep 0.1; done; exit 1"
    plain.write(
        "dvc.yaml",
        textwrap.dedent(f"""
            stages:
              one:
                cmd: touch one.sign; {wait.format("two.sign")}
              two:
                cmd: touch two.sign; {wait.format("one.sign")}
        """),
    )
    assert "2 ran" in plain.fivefold("repro", "--jobs", "2").stderr


def test_one_job_is_one_after_the_other(plain: Project) -> None:
    busy = "test ! -e busy && touch busy && sleep 0.2 && rm busy"
    plain.write(
        "dvc.yaml",
        textwrap.dedent(f"""
            stages:
              one: {{cmd: {busy}}}
              two: {{cmd: {busy}}}
              three: {{cmd: {busy}}}
        """),
    )
    assert "3 ran" in plain.fivefold("repro", "--jobs", "1").stderr


@pytest.mark.parametrize("keep_going", [False, True])
def test_a_failure_names_the_stage_and_keeps_the_rest(plain: Project, keep_going: bool) -> None:
    text = plain.read("dvc.yaml").replace("tr a-z A-Z < in.txt > a.txt", "echo broken >&2; exit 3")
    plain.write("dvc.yaml", text)
    options = ["--keep-going"] if keep_going else []
    said = plain.refused(sys.executable, "-m", "fivefold", "repro", "--jobs", "2", *options)
    assert "broken" in said
    assert "'left' failed" in said
    assert "exited with 3" in said
    assert "1 ran, 1 failed, 5 skipped" in said
    # What ended well is kept: DVC goes on from there.
    assert "right" in plain.read("dvc.lock")
    plain.write("dvc.yaml", text.replace("echo broken >&2; exit 3", "cp in.txt a.txt"))
    assert "right" not in plain.repro()


def test_an_output_that_was_not_written_is_a_failure(plain: Project) -> None:
    plain.edit("dvc.yaml", "tr a-z A-Z < in.txt > a.txt", "echo nothing")
    said = plain.refused(sys.executable, "-m", "fivefold", "repro")
    assert "'left' failed" in said
    assert "a.txt" in said


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_a_state_to_go_on_from(plain: Project, sign: signal.Signals) -> None:
    plain.edit("dvc.yaml", "tr a-z A-Z < in.txt > a.txt", "touch begun; sleep 600; touch a.txt")
    running = subprocess.Popen(
        [sys.executable, "-m", "fivefold", "repro", "--jobs", "2"],
        cwd=plain.root,
        stderr=subprocess.PIPE,
        text=True,
    )
    end = time.monotonic() + 60
    lock = plain.root / "dvc.lock"
    while not ((plain.root / "begun").exists() and lock.exists()) and time.monotonic() < end:
        time.sleep(0.05)
    running.send_signal(sign)
    said = running.communicate(timeout=60)[1]
    assert running.returncode == 130, said
    assert "interrupted" in said
    assert "Traceback" not in said
    assert not (plain.root / "a.txt").exists()
    plain.edit("dvc.yaml", "touch begun; sleep 600; touch a.txt", "tr a-z A-Z < in.txt > a.txt")
    assert plain.repro()[0] == "left"
    assert "right" not in plain.read("dvc.lock").partition("stages:")[0]
    assert plain.repro() == []


def test_another_dvc_command_may_run_meanwhile(plain: Project) -> None:
    plain.edit(
        "dvc.yaml",
        "tr a-z A-Z < in.txt > a.txt",
        "dvc config core.analytics false && tr a-z A-Z < in.txt > a.txt",
    )
    assert "7 ran" in plain.fivefold("repro").stderr


def test_a_project_of_ours_in_warm_children(diabetes: Project) -> None:
    other = twin(diabetes)
    for project in (diabetes, other):
        project.edit("conf/config.yaml", "seed:", "seed: 7 #")
    ran = other.repro("--force")
    done = diabetes.fivefold("repro", "--force", "--jobs", "2")
    assert f"{len(ran)} ran" in done.stderr
    assert diabetes.read("dvc.lock") == other.read("dvc.lock")
    # Stages that run at once lose none of each other's figures.
    profile = json.loads(diabetes.read("metrics/profile.json"))
    assert list(profile) == list(json.loads(other.read("metrics/profile.json")))
    assert diabetes.repro() == []


def test_a_mistake_in_a_warm_child_is_its_message(diabetes: Project) -> None:
    diabetes.edit("conf/config.yaml", "seed:", "sede:")
    said = diabetes.refused(sys.executable, "-m", "fivefold", "repro")
    assert "sede" in said
    assert "'compose' failed" in said
    shutil.rmtree(diabetes.root / "conf")
    said = diabetes.refused(sys.executable, "-m", "fivefold", "repro")
    assert "compose" in said


def test_no_process_is_left_behind(diabetes: Project) -> None:
    import psutil

    diabetes.fivefold("repro", "--force", "plan")
    mine = [
        process.info["cmdline"]
        for process in psutil.process_iter(["cmdline", "cwd"])
        if process.info["cwd"] == str(diabetes.root) and process.pid != os.getpid()
    ]
    assert mine == []
