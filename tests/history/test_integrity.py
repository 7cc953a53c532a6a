"""What a lock vouches for, and what speaks against it, in every notation that DVC has written."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
import yaml

from fivefold.history.integrity import Integrity, check

from .conftest import Project


def checked(project: Project, revision: str = "workspace") -> Integrity:
    reader = project.reader()
    return check(reader, reader.repository.snapshot(reader.repository.resolve(revision)))


def relock(project: Project, change: Callable[[dict[str, object]], object]) -> None:
    """Write dvc.lock anew from what it holds."""
    lock = yaml.safe_load((project.path / "dvc.lock").read_text())
    project.write("dvc.lock", yaml.safe_dump(change(lock)))


def test_a_pipeline_that_ran_is_sound(flights: Project) -> None:
    for revision in ("workspace", "HEAD", "main", "main~1"):
        assert checked(flights, revision) == Integrity("ok")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("python evaluate.py", "python -O evaluate.py", "stage evaluate ran another command"),
        (
            "deps: [data/clean.csv, evaluate.py]",
            "deps: [data/clean.csv, evaluate.py, clean.py]",
            "stage evaluate has not run since it depends on clean.py",
        ),
        (
            "params: [train, code.evaluate]",
            "params: [train, code.evaluate, clean.rows]",
            "stage evaluate has not run since it depends on clean.rows",
        ),
        (
            "params: [train, code.evaluate]",
            "params: [train, code.evaluate, {more.yaml: }]",
            "stage evaluate has not run since it depends on more.yaml",
        ),
        (
            "outs: [data/clean.csv]",
            "outs: [data/clean.csv, data/more.csv]",
            "stage clean has not run since it writes data/more.csv",
        ),
    ],
)
def test_what_is_declared_since_the_run_is_stale(
    flights: Project, old: str, new: str, reason: str
) -> None:
    flights.edit("dvc.yaml", old, new)
    found = checked(flights)
    assert (found.status, found.reasons) == ("stale", (reason,))


def test_a_stage_that_never_ran(flights: Project) -> None:
    flights.edit(
        "dvc.yaml",
        "metrics:\n  - metrics/profile",
        "  score: {cmd: 'true', outs: [x]}\nmetrics:\n  - metrics/profile",
    )
    found = checked(flights)
    assert (found.status, found.reasons) == ("stale", ("stage score has not run",))


def test_a_frozen_stage_keeps_what_it_wrote(flights: Project) -> None:
    flights.edit("params.yaml", "depth: 3", "depth: 4")
    assert checked(flights).status == "stale"
    flights.edit("dvc.yaml", "cmd: python evaluate.py", "cmd: python evaluate.py\n    frozen: true")
    assert checked(flights) == Integrity("ok")


def test_params_that_can_not_be_read(flights: Project) -> None:
    flights.write("params.yaml", "train: [\n")
    found = checked(flights)
    assert found.status == "stale"
    assert "params.yaml, line 2" in found.reasons[0]


@pytest.mark.parametrize(
    "text",
    [
        "<<<<<<< HEAD\nschema: '2.0'\n=======\nschema: '2.0'\n>>>>>>> side\n",
        "schema: '2.0'\nstages: [clean]\n",
        "- clean\n",
        "schema: '2.0'\nstages:\n  clean: {cmd: [\n",
    ],
)
def test_a_lock_that_can_not_be_read(flights: Project, text: str) -> None:
    flights.write("dvc.lock", text)
    found = checked(flights)
    assert found.status == "stale"
    assert "dvc.lock" in found.reasons[0]


@pytest.mark.parametrize("text", ["", "schema: '2.0'\n", "schema: '2.0'\nstages: {}\n"])
def test_a_lock_that_holds_nothing(flights: Project, text: str) -> None:
    flights.write("dvc.lock", text)
    assert checked(flights).status == "unverified"


def test_a_lock_of_the_first_schema(flights: Project) -> None:
    # Before DVC 1.6 the stages stood at the top, and no hash named its kind.
    text = (flights.path / "dvc.lock").read_text()
    assert "hash: md5" in text
    stages = yaml.safe_load(re.sub(r"\n *hash: md5", "", text))["stages"]
    flights.write("dvc.lock", yaml.safe_dump(stages))
    assert checked(flights) == Integrity("ok")
    flights.edit("evaluate.py", "0.6 + skill", "0.7 + skill")
    found = checked(flights)
    assert (found.status, found.reasons) == (
        "stale",
        ("evaluate.py changed after stage evaluate ran",),
    )


@pytest.mark.parametrize("path", ["evaluate.py", "metrics/evaluate.json"])
def test_line_ends_are_no_change(flights: Project, path: str) -> None:
    # Git may keep other ends than the file had when it was hashed, and DVC 2 hashed them as one.
    data = (flights.path / path).read_bytes()
    (flights.path / path).write_bytes(data.replace(b"\n", b"\r\n"))
    assert checked(flights) == Integrity("ok")
    (flights.path / path).write_bytes(data.replace(b"\n", b"\n\n"))
    assert checked(flights).status in ("stale", "edited")


def test_hashes_of_two_kinds_are_not_compared(flights: Project) -> None:
    def migrate(lock: dict) -> dict:  # type: ignore[type-arg]
        for item in lock["stages"]["evaluate"]["deps"]:
            if item["path"] == "data/clean.csv":
                # As DVC 2 wrote it: another hash of the same content, without a kind.
                del item["hash"]
                item["md5"] = "0" * 32
        return lock

    relock(flights, migrate)
    assert checked(flights) == Integrity("ok")


def test_a_dependency_whose_hash_was_not_kept(flights: Project) -> None:
    def forget(lock: dict) -> dict:  # type: ignore[type-arg]
        for item in lock["stages"]["evaluate"]["deps"]:
            item.pop("md5")
        return lock

    relock(flights, forget)
    assert checked(flights).reasons[0] == (
        "stage evaluate has not run since it depends on data/clean.csv"
    )


def test_a_folder_of_code_proves_nothing(flights: Project) -> None:
    # Its hash counts what Git ignores, such as compiled modules, and a commit doesn't have that.
    flights.write("lib/score.py", "x = 1\n")

    def depend(lock: dict) -> dict:  # type: ignore[type-arg]
        lock["stages"]["evaluate"]["deps"].append({"path": "lib", "md5": "0" * 32 + ".dir"})
        return lock

    relock(flights, depend)
    flights.edit("dvc.yaml", "[data/clean.csv, evaluate.py]", "[data/clean.csv, evaluate.py, lib]")
    assert checked(flights) == Integrity("ok")


def test_a_metric_that_no_stage_writes_is_not_vouched_for(flights: Project) -> None:
    flights.edit(
        "dvc.yaml",
        "metrics:\n  - metrics/profile.json",
        "metrics:\n  - metrics/profile.json\n  - by-hand.json",
    )
    flights.write("by-hand.json", {"roc_auc": 0.99})
    found = checked(flights)
    assert (found.status, found.reasons) == ("unverified", ("no stage writes by-hand.json",))
    assert found.trusted


def test_an_edited_metric_is_worse_than_a_stale_param(flights: Project) -> None:
    metrics = json.loads((flights.path / "metrics/evaluate.json").read_text())
    flights.write("metrics/evaluate.json", {**metrics, "roc_auc": 0.99})
    flights.edit("params.yaml", "depth: 3", "depth: 4")
    found = checked(flights)
    assert found.status == "edited"
    assert found.reasons == (
        "metrics/evaluate.json is not what stage evaluate wrote",
        "stage evaluate ran with train.depth=3, params.yaml says 4",
    )
