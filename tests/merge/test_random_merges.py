"""Random pairs of branches: the merged lock claims what runs gave, and `dvc repro` does the rest.

``FIVEFOLD_MERGES=500`` runs more pairs than a test suite has time for.
"""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import pytest
from dvc.utils.serialize import dumps_yaml, loads_yaml

from fivefold.template import template_folder
from tests.merge.pipeline import LOCKS, MODEL, STAGES, Clone, md5, start

PAIRS = int(os.environ.get("FIVEFOLD_MERGES", "20"))
CHAINS = 2
# DVC's own, which its command line does not show.
pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")


@pytest.fixture(scope="module")
def template() -> Path:
    return template_folder() / "{{cookiecutter.project_slug}}"


def edits(draw: random.Random) -> list[dict[str, str]]:
    """Draw what each side writes; where both write a file, the same, as Git can merge no other."""
    values = {f"conf/{name}.json": f"{draw.randrange(6)}\n" for name in MODEL["PARAMS"]}
    values["source.txt"] = f"{draw.randrange(3)}\n"
    names = sorted(values)
    sides = [draw.sample(names, draw.choice([0, 1, 1, 2, 2, 2, 3, 3])) for _ in range(2)]
    return [{name: values[name] for name in side} for side in sides]


def develop(clone: Clone, draw: random.Random, branch: str, writes: dict[str, str]) -> None:
    """Commit one side: the edits and what a user's run of them gives, whole, in part or not yet."""
    for path, text in writes.items():
        (clone.root / path).write_text(text)
    how = draw.choice(["run"] * 8 + ["part", "forget"])
    if how == "run":
        clone.repro(run_cache=draw.random() < 0.5)
    elif how == "part":
        clone.repro(draw.choice(["load", "left", "join"]))
    clone.commit(branch)


def merge(clone: Clone, draw: random.Random) -> str:
    """Bring `left` and `right` together in a way of Git's, leaving the result checked out."""
    how = draw.choice(["merge", "merge", "rebase", "cherry-pick", "no-commit"])
    if how == "rebase":
        clone.git("checkout", "--quiet", "-B", "result", "right")
        clone.git("rebase", "--quiet", "left")
    else:
        clone.git("checkout", "--quiet", "-B", "result", "left")
        if how == "cherry-pick":
            clone.git("cherry-pick", "--allow-empty", "--keep-redundant-commits", "right")
        elif how == "no-commit":
            clone.git("merge", "--no-commit", "--no-ff", "right")
            clone.git("commit", "--quiet", "--allow-empty", "--message", "Merge")
        else:
            clone.git("merge", "--quiet", "--no-edit", "--no-ff", "right")
    return how


def chosen(base: Any, ours: Any, theirs: Any) -> Any:
    """The rule, by what PyYAML reads."""
    if ours == theirs or theirs == base:
        return ours
    return theirs if ours == base else None


def contents(clone: Clone) -> dict[str, str]:
    """Compute every file that the merged sources give, without DVC and without the locks."""
    conf = {name: int(clone.read(f"conf/{name}.json")) for name in MODEL["PARAMS"]}
    files = {"params.yaml": MODEL["compose"](conf), "source.txt": clone.read("source.txt")}
    for stage, (deps, names, _) in STAGES.items():
        files |= MODEL["outputs"](stage, [files[path] for path in deps], [conf[n] for n in names])
    return files


def due(clone: Clone, files: dict[str, str], kept: dict[str, Any]) -> list[str]:
    """Name the stages for which no kept entry stands for the merged inputs."""
    conf = {name: int(clone.read(f"conf/{name}.json")) for name in MODEL["PARAMS"]}
    found = []
    if "compose" not in kept or kept["compose"]["outs"][0]["md5"] != md5(files["params.yaml"]):
        found.append("compose")
    for stage, (deps, names, _) in STAGES.items():
        entry = kept.get(stage)
        if entry is not None:
            hashes = [item["md5"] for item in entry.get("deps") or []]
            values = [next(iter(entry["params"].values()))[name] for name in names]
            if hashes == [md5(files[p]) for p in sorted(deps)] and values == [
                conf[n] for n in names
            ]:
                continue
        found.append(stage)
    return found


def from_scratch(clone: Clone, root: Path) -> Clone:
    """Run everything in a clean clone that knows no lock."""
    fresh = Clone(root, clone.log)
    clone.git("clone", "--quiet", str(clone.root), str(root))
    for path in LOCKS:
        (root / path).unlink()
    assert len(fresh.repro()) == len(STAGES) + 1
    return fresh


@pytest.mark.parametrize("chain", range(CHAINS))
def test_merge_claims_only_what_ran_and_repro_runs_the_rest(
    chain: int, tmp_path: Path, template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAN", str(tmp_path / "ran"))
    clone = start(tmp_path / "clone", tmp_path / "ran", template)
    draw = random.Random(f"merges {chain}")  # noqa: S311
    dropped = 0
    for number in range(-(-PAIRS // CHAINS)):
        base = clone.git("rev-parse", "HEAD").stdout.strip()
        for branch, writes in zip(("left", "right"), edits(draw), strict=True):
            clone.git("checkout", "--quiet", "-B", branch, base)
            clone.checkout()
            develop(clone, draw, branch, writes)
        sides = [clone.entries(revision) for revision in (base, "left", "right")]
        how = merge(clone, draw)
        told = f"chain {chain}, pair {number}: {how}"

        kept = clone.entries()
        names = {name for side in sides for name in side}
        expected = {name: chosen(*(side.get(name) for side in sides)) for name in names}
        assert kept == {name: entry for name, entry in expected.items() if entry}, told
        assert all(
            entry in (sides[1].get(name), sides[2].get(name)) for name, entry in kept.items()
        )
        dropped += len(names) - len(kept)
        for path in LOCKS:
            text = clone.read(path)
            assert dumps_yaml(loads_yaml(text, typ="rt")) == text, (
                f"{told}: {path} is as DVC writes"
            )
        # Of every kept entry the files that Git keeps are the entry's, too.
        for name, entry in kept.items():
            for out in entry["outs"]:
                path = out["path"].removeprefix("../")
                if not path.startswith("data/"):
                    assert md5(clone.read(path)) == out["md5"], f"{told}: {path} of {name}"

        files = contents(clone)
        clone.checkout()
        must = due(clone, files, kept)
        if draw.random() < 0.5:  # DVC fetches what it knows from an earlier run
            assert set(clone.repro()) <= set(must), told
        else:
            assert sorted(clone.repro(run_cache=False)) == sorted(must), told
        assert clone.repro() == [], f"{told}: a second run has nothing to do"
        clone.commit("Run the merge")

        for path, text in files.items():
            assert clone.read(path) == text, f"{told}: {path}"
        if number % 4 == 0:
            fresh = from_scratch(clone, tmp_path / f"fresh-{number}")
            assert fresh.entries() == clone.entries(), told
    assert dropped or PAIRS < 20, "no pair had both sides run a stage"
