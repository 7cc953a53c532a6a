"""Tags are read as GTO reads them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fivefold.errors import HistoryError
from fivefold.registry.versions import next_version, read_versions, tag_of
from tests.history.conftest import Project, start


@pytest.fixture
def tagged(tmp_path: Path) -> Project:
    project = start(tmp_path / "tagged", dvc=False)
    project.write("a", "a")
    project.commit("One")
    return project


def tag(project: Project, name: str, clock: int, *options: str) -> None:
    project.run(
        *("git", "tag", "--annotate", "--message", f"About {name}", name, *options),
        env={"GIT_COMMITTER_DATE": f"{1_700_000_000 + clock} +0200"},
    )


def standing(project: Project, name: str = "model") -> list[str]:
    return [v.version for v in read_versions(project.reader().repository.git, name) if v.active]


def test_versions_are_ordered_by_the_taggers_clock(tagged: Project) -> None:
    tag(tagged, "model@v2.0.0", 10)
    tag(tagged, "model@v1.0.0#9", 20)
    tag(tagged, "model@v1.5.0#1", 30)
    tag(tagged, "other@v9.0.0", 40)
    tag(tagged, "model#prod", 50)
    tagged.git("tag", "model@v8.0.0")  # not annotated, and so no version
    assert standing(tagged) == ["v2.0.0", "v1.0.0", "v1.5.0"]


def test_a_version_can_be_taken_back_and_registered_again(tagged: Project) -> None:
    tag(tagged, "model@v1.0.0", 10)
    tag(tagged, "model@v1.1.0", 20)
    tag(tagged, "model@v1.1.0!", 30)
    assert standing(tagged) == ["v1.0.0"]
    found = read_versions(tagged.reader().repository.git, "model")
    # The number stays taken.
    assert next_version(found, "patch") == "v1.1.1"
    tag(tagged, "model@v1.1.0#3", 40)
    assert standing(tagged) == ["v1.0.0", "v1.1.0"]


def test_gto_reads_the_same_versions(tagged: Project) -> None:
    for clock, name in enumerate(
        ["model@v1.0.0", "model@v1.0.1", "model@v1.0.1!", "model@v1.2.0-rc.1", "sub=model@v3.0.0"]
    ):
        tag(tagged, name, clock)
    for artifact in ("model", "sub:model"):
        shown = json.loads(tagged.run("gto", "show", artifact, "--json"))
        theirs = {item["version"] for item in shown}
        assert set(standing(tagged, artifact)) == theirs


def test_the_next_number_follows_the_highest(tagged: Project) -> None:
    assert next_version((), "major") == "v1.0.0"
    tag(tagged, "model@v1.9.2", 10)
    tag(tagged, "model@v1.10.0", 5)
    found = read_versions(tagged.reader().repository.git, "model")
    assert next_version(found, "patch") == "v1.10.1"
    assert next_version(found, "minor") == "v1.11.0"
    assert next_version(found, "major") == "v2.0.0"


def test_a_tag_is_named_as_gto_names_it() -> None:
    assert tag_of("late-flights", "v1.2.0") == "late-flights@v1.2.0"
    assert tag_of("models:late", "v1.2.0") == "models=late@v1.2.0"
    with pytest.raises(HistoryError, match="the artifact's name can't be a tag's"):
        tag_of("late flights", "v1.0.0")
