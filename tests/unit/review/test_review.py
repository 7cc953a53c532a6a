"""What a review draws, compares, decides and refuses, without a run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from fivefold.errors import ConfigError, PipelineError
from fivefold.pipeline.compose import compose, composed
from fivefold.review.comparing import compare
from fivefold.review.owners import render_owners, require_current_owners
from fivefold.review.retrain import decide, roll_forward
from fivefold.review.sample import draw
from fivefold.template import create


def stage(*deps: str, outs: str, mark: str = "a") -> dict[str, object]:
    return {
        "deps": [{"path": path, "md5": "0"} for path in deps],
        "outs": [{"path": outs, "md5": mark}],
    }


LOCK = {
    "compose": stage(outs="params.yaml"),
    "evaluate": stage("model", "test", outs="metrics"),
    "split": stage("raw", outs="test"),
    "train": stage("test", outs="model"),
    "collect": stage(outs="raw"),
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    list(create(tmp_path / "flights", example="flights"))
    return tmp_path / "flights"


def test_a_sample_is_drawn_by_the_commit_in_the_order_of_the_pipeline() -> None:
    commits = [f"{number:040x}" for number in range(60)]
    drawn = {commit: draw(LOCK, commit, 2, {}) for commit in commits}
    assert all(draw(LOCK, commit, 2, {}) == found for commit, found in drawn.items())
    seen = {name for found in drawn.values() for name in found}
    assert seen == {"collect", "split", "train", "evaluate"}
    order = ["collect", "split", "train", "evaluate"]
    for found in drawn.values():
        assert sorted(found, key=order.index) == list(found)
        assert len(found) == 2
    assert draw(LOCK, commits[0], 9, {}) == tuple(order)


def test_a_sample_is_of_what_the_proposal_changed() -> None:
    base = {**LOCK, "train": stage("test", outs="model", mark="b")}
    assert {draw(LOCK, f"{n:040x}", 2, base) for n in range(20)} == {("train",)}
    # Where it changed nothing, any stage will do.
    assert len(draw(LOCK, "0" * 40, 2, LOCK)) == 2


@pytest.mark.parametrize(
    ("value", "tolerance", "differs"),
    [(0.5, 0.0, True), (0.5 + 1e-9, 1e-6, False), (0.51, 1e-6, True), ("0.5", 1e-6, True)],
)
def test_the_tolerance_is_for_numbers(
    value: object, tolerance: float, differs: bool, tmp_path: Path
) -> None:
    before = json.dumps({"metric": 0.5, "rows": 3, "list": [1, "a"]}).encode()
    (tmp_path / "m.json").write_text(json.dumps({"metric": value, "rows": 3, "list": [1, "a"]}))
    claimed = {"train": stage(outs="m.json", mark="a")}
    claimed["train"]["outs"].append({"path": "model.bin", "md5": "x"})  # type: ignore[attr-defined]
    found = {"train": stage(outs="m.json", mark="b")}
    found["train"]["outs"].append({"path": "model.bin", "md5": "y"})  # type: ignore[attr-defined]
    differences, close = compare(tmp_path, claimed, found, ["train"], {"m.json": before}, tolerance)
    assert any("m.json" in line for line in differences) == differs
    # Bytes that no number explains pass only with a tolerance, and are told.
    assert any("model.bin" in line for line in (close if tolerance else differences))


def test_no_stage_runs_again_for_an_edit_of_the_policy(project: Path) -> None:
    compose(project)
    before = yaml.safe_load((project / "params.yaml").read_text("utf-8"))
    path = project / "conf" / "review.yaml"
    path.write_text(path.read_text("utf-8").replace("sample: 2", "sample: 5"), "utf-8")
    after = composed(project)
    assert after["review"]["sample"] == 5
    assert {key for key in after if after[key] != before[key]} == {"review"}
    pipeline = yaml.safe_load((project / "dvc.yaml").read_text("utf-8"))
    assert not any("review" in (s.get("params") or []) for s in pipeline["stages"].values())


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("mode: verify", "mode: verifi", "unknown mode"),
        ("sample: 2", "sample: -1", "out of bounds"),
        ("retrain: degraded", "retrain: daily", "unknown retrain"),
        ("mode: verify", "modes: verify", "unknown key 'modes'"),
    ],
)
def test_a_slip_in_the_policy_is_named_with_its_line(
    old: str, new: str, what: str, project: Path
) -> None:
    path = project / "conf" / "review.yaml"
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")
    with pytest.raises(ConfigError, match=what) as found:
        composed(project)
    assert (found.value.where or "").startswith("conf/review.yaml:")


@pytest.mark.parametrize(
    ("policy", "degraded", "drifted", "due"),
    [
        ("degraded", 0, 3, False),
        ("degraded", 1, 0, True),
        ("drifted", 0, 1, True),
        ("drifted", 0, 0, False),
        ("always", 0, 0, True),
        ("never", 2, 2, False),
    ],
)
def test_the_policy_decides_on_a_new_model(
    policy: str, degraded: int, drifted: int, due: bool, tmp_path: Path
) -> None:
    for folder in ("metrics", "reports"):
        (tmp_path / folder).mkdir()
    (tmp_path / "params.yaml").write_text(f"review: {{retrain: {policy}}}\n")
    (tmp_path / "metrics" / "monitor.json").write_text(
        json.dumps({"degraded_periods": degraded, "drifted_features": drifted})
    )
    (tmp_path / "reports" / "monitor.json").write_text("{}")
    assert decide(tmp_path).due is due


def test_a_split_by_time_moves_on_by_one_part(project: Path) -> None:
    changed = roll_forward(project, "2014-06-01")
    split = composed(project)["split"]
    assert split["train_until"] == "2013-11-01"
    assert split["test_until"] == "2014-01-01"
    assert split["production_until"] is None
    assert len(changed) == 3
    # And again, from where production has no end yet.
    roll_forward(project, "2014-06-01")
    split = composed(project)["split"]
    assert (split["train_until"], split["test_until"]) == ("2014-01-01", "2014-06-01")


def test_owners_follow_the_roles(project: Path) -> None:
    plan = composed(project)["plan"]
    require_current_owners(project, plan)
    plan["roles"]["data"]["handle"] = "@warehouse"
    with pytest.raises(PipelineError, match="CODEOWNERS is not what the roles"):
        require_current_owners(project, plan)
    lines = dict(line.split(maxsplit=1) for line in render_owners(plan).splitlines()[1:])
    assert lines["/conf/clean.yaml"] == "@warehouse"
    assert lines["/metrics/evaluate.json"] == "@science"
    assert lines["*"] == "@operations @warehouse @science"
    # One that is the project's own is left alone.
    (project / "CODEOWNERS").write_text("* @everybody\n")
    require_current_owners(project, plan)
