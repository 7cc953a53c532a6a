"""The folder between the two jobs, in the hands of somebody who means harm."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fivefold.errors import ArtifactError
from fivefold.forge.artifact import Artifact, Verdict, read_artifact, write_artifact
from fivefold.history.diff.mermaid import curves_chart, stages_flowchart
from fivefold.history.diff.sections import Diagram, ReportSection
from fivefold.history.tables import Column, Table, Text
from tests.forge.conftest import SECTIONS, Ran
from tests.forge.github_server import GitHubServer

Run = Callable[..., Ran]


def _change(folder: Path, name: str, edit: Callable[[Any], Any]) -> None:
    path = folder / name
    value = json.loads(path.read_text())
    changed = edit(value)
    path.write_text(json.dumps(value if changed is None else changed))


def test_what_is_written_is_read(folder: Path) -> None:
    found = read_artifact(folder)
    assert found.sections == SECTIONS
    assert found.verdict == Verdict("better", True, "better: roc_auc 0.671 → 0.68 (+0.009)")
    assert found.proposal is not None
    assert found.proposal.number == 7


def test_other_files_and_keys_are_not_looked_at(folder: Path) -> None:
    (folder / "run.sh").symlink_to("/etc/passwd")
    (folder / "report.md").unlink()
    for name in ("verdict.json", "pull-request.json", "sections.json"):
        _change(folder, name, lambda value: value.update({"extra": [{"deep": 1}]}))
    assert read_artifact(folder).sections == SECTIONS


def test_what_json_cannot_hold_is_written_as_text(tmp_path: Path) -> None:
    gates = ({"name": "guardrail.loss.max", "value": float("nan"), "limit": float("inf")},)
    verdict = Verdict("failed", False, "a path \udcff", gates)
    write_artifact(tmp_path, Artifact(verdict, ()), "")
    found = json.loads((tmp_path / "verdict.json").read_text(encoding="utf-8"))
    assert found["gates"] == [{"name": "guardrail.loss.max", "value": "nan", "limit": "inf"}]
    assert found["line"] == "a path ?"


def test_a_report_too_large_to_be_read_is_written_shorter(tmp_path: Path) -> None:
    rows = [[str(number), "x" * 400] for number in range(9_000)]
    columns = (Column("a"), Column("b"))
    sections = (
        ReportSection("verdict", "", (Text("Better", "bold"),), 0),
        ReportSection("metrics", "Metrics", (Table(columns, rows),), 2),
        ReportSection("params", "Params", (Table(columns, rows), Table(columns, rows)), 4),
        ReportSection("notes", "Notes", (Text("y" * 50_000),), 2),
    )
    write_artifact(tmp_path, Artifact(Verdict("better", True, "better"), sections), "")
    (tmp_path / "pull-request.json").write_text(
        json.dumps({"forge": "github", "repository": "a/b", "number": 1, "head_sha": "0" * 40})
    )
    found = {section.name: section for section in read_artifact(tmp_path).sections}
    assert list(found) == ["verdict", "metrics", "notes"]
    (table,) = found["metrics"].parts
    assert isinstance(table, Table)
    assert table.rows == rows[:5_000]


def test_an_earlier_pull_request_does_not_linger(folder: Path) -> None:
    write_artifact(folder, Artifact(Verdict("same", None, "same"), ()), "")
    with pytest.raises(ArtifactError, match="lacks a file"):
        read_artifact(folder)


PROPOSALS = [
    {"number": 0},
    {"number": -7},
    {"number": "7"},
    {"number": 7.0},
    {"number": True},
    {"number": None},
    {"number": [7]},
    {"number": 10**15},
    {"head_sha": "6DCB09B5B57875F334F61AEBED695E2E4193DB5E"},
    {"head_sha": "6dcb09b"},
    {"head_sha": "6dcb09b5b57875f334f61aebed695e2e4193db5e\n"},
    {"head_sha": 5},
    {"repository": "octo"},
    {"repository": "octo/flights/../../user"},
    {"repository": "octo/flights?x"},
    {"repository": ["octo/flights"]},
    {"forge": "gitea"},
    {"forge": None},
]


@pytest.mark.parametrize("change", PROPOSALS, ids=str)
def test_a_pull_request_of_the_wrong_form_is_refused(folder: Path, change: dict[str, Any]) -> None:
    _change(folder, "pull-request.json", lambda value: value.update(change))
    if change.get("repository") == "octo/flights/../../user":
        # Of the right form, and of no repository that this job is of.
        found = read_artifact(folder).proposal
        assert found is not None
        assert found.repository not in ("octo/flights", "user")
        return
    with pytest.raises(ArtifactError):
        read_artifact(folder)


def _part(part: Any) -> Callable[[Any], None]:
    return lambda value: value["sections"][0].update({"parts": [part]})


CELL = {"title": "a", "number": False}
DOCUMENTS: list[tuple[str, Callable[[Any], Any]]] = [
    ("verdict.json", lambda _: []),
    ("verdict.json", lambda _: "passed"),
    ("verdict.json", lambda value: value.update(passed="true")),
    ("verdict.json", lambda value: value.update(passed=1)),
    ("verdict.json", lambda value: value.update(outcome="perfect")),
    ("verdict.json", lambda value: value.update(outcome=["better"])),
    ("verdict.json", lambda value: value.update(line=None)),
    ("verdict.json", lambda value: value.update(line="x" * 10_001)),
    ("verdict.json", lambda value: value.update(line="half a pair \ud800")),
    ("verdict.json", lambda value: value.update(base="main")),
    ("sections.json", lambda _: []),
    ("sections.json", lambda value: value.update(sections={})),
    ("sections.json", lambda value: value.update(sections=[[]])),
    ("sections.json", lambda value: value.update(sections=value["sections"] * 2)),
    ("sections.json", lambda value: value.update(sections=[{}] * 101)),
    ("sections.json", lambda value: value["sections"][0].update(name="a b")),
    ("sections.json", lambda value: value["sections"][0].update(name="a -->")),
    ("sections.json", lambda value: value["sections"][0].update(title="@ada")),
    ("sections.json", lambda value: value["sections"][0].update(title="a\nb")),
    ("sections.json", lambda value: value["sections"][0].update(priority=-1)),
    ("sections.json", lambda value: value["sections"][0].update(priority=0.5)),
    ("sections.json", lambda value: value["sections"][0].update(folded="no")),
    ("sections.json", lambda value: value["sections"][0].update(parts=None)),
    ("sections.json", _part("text")),
    ("sections.json", _part({})),
    ("sections.json", _part({"text": 5, "style": ""})),
    ("sections.json", _part({"text": "x", "style": "a b"})),
    ("sections.json", _part({"diagram": 5})),
    ("sections.json", _part({"columns": [CELL], "rows": [["a", "b"]], "title": ""})),
    ("sections.json", _part({"columns": [CELL], "rows": [[5]], "title": ""})),
    ("sections.json", _part({"columns": [CELL], "rows": "a", "title": ""})),
    ("sections.json", _part({"columns": [CELL] * 51, "rows": [], "title": ""})),
    ("sections.json", _part({"columns": [CELL], "rows": [["a"]] * 5_001, "title": ""})),
    ("sections.json", _part({"columns": ["a"], "rows": [], "title": ""})),
]


@pytest.mark.parametrize(("name", "edit"), DOCUMENTS)
def test_a_document_of_the_wrong_form_is_refused(
    folder: Path, name: str, edit: Callable[[Any], Any]
) -> None:
    _change(folder, name, edit)
    with pytest.raises(ArtifactError) as caught:
        read_artifact(folder)
    assert name in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b'{"number": 7',
        b'{"number": NaN}',
        b'{"number": 1e999, "x": Infinity}',
        b"\xff\xfe{}",
        b"[" * 10_000,
        b'{"number": ' + b"9" * 5_000 + b"}",
        b" " * (16 << 10) + b"{}",
    ],
    ids=lambda content: repr(content[:12]),
)
def test_what_is_no_small_json_is_refused(folder: Path, content: bytes) -> None:
    (folder / "pull-request.json").write_bytes(content)
    with pytest.raises(ArtifactError):
        read_artifact(folder)


def test_a_file_that_never_ends_is_not_read(folder: Path) -> None:
    path = folder / "sections.json"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(ArtifactError, match="too large"):
        read_artifact(folder)


def test_a_symbolic_link_is_not_followed(folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.json"
    secret.write_text((folder / "verdict.json").read_text())
    (folder / "verdict.json").unlink()
    (folder / "verdict.json").symlink_to(secret)
    with pytest.raises(ArtifactError, match="symbolic link"):
        read_artifact(folder)


def test_a_folder_that_is_a_symbolic_link_is_not_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    with pytest.raises(ArtifactError, match="symbolic link"):
        read_artifact(tmp_path / "link")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with a name are Unix's")
def test_a_pipe_is_not_waited_for(folder: Path) -> None:
    (folder / "verdict.json").unlink()
    os.mkfifo(folder / "verdict.json")
    with pytest.raises(ArtifactError, match="not a regular file"):
        read_artifact(folder)


def test_a_folder_in_a_files_place_is_refused(folder: Path) -> None:
    (folder / "verdict.json").unlink()
    (folder / "verdict.json").mkdir()
    with pytest.raises(ArtifactError, match="not a regular file"):
        read_artifact(folder)


def test_a_message_obeys_nobody(folder: Path) -> None:
    line = "\n::add-mask::x\x1b[2J"
    _change(folder, "verdict.json", lambda value: value.update(outcome=line))
    with pytest.raises(ArtifactError) as caught:
        read_artifact(folder)
    text = str(caught.value)
    assert "\x1b" not in text
    assert not any(part.strip().startswith("::") for part in text.splitlines())


def test_the_command_refuses_before_it_asks_the_forge(
    fivefold: Run, github: GitHubServer, github_job: dict[str, str], folder: Path
) -> None:
    _change(folder, "pull-request.json", lambda value: value.update(number="7; rm -rf /"))
    done = fivefold("pr", "publish", folder, env=github_job)
    assert done.code == 1
    assert "where:   pull-request.json: number" in done.err
    assert github.requests == []


def test_the_diagrams_of_a_report_are_kept(tmp_path: Path) -> None:
    edges = [("prepare data", "train"), ("train", "eval [v2] @ <b>")]
    curve = ([0.0, 0.4, 1.0], [0.0, 0.7, 1.0])
    drawn = [
        stages_flowchart(edges, (), {"train"}),
        curves_chart("ROC, «late»", ("false positive rate", "y"), (curve, curve)),
    ]
    parts = tuple(Diagram(source) for source in drawn if source)
    assert len(parts) == 2
    found = _diagrams(tmp_path, parts)
    assert found == parts


@pytest.mark.parametrize(
    "line",
    [
        'click s0 "https://evil.example"',
        '  s0["<img src=x>"]',
        '  s0@{ img: "https://evil.example/x.png" }',
        "%%{init: {'securityLevel': 'loose'}}%%",
        "```\n@ada\n```mermaid",
        "~~~",
        "  classDef ran fill:url(//evil.example)",
    ],
)
def test_other_diagrams_are_left_out(tmp_path: Path, line: str) -> None:
    (part,) = _diagrams(tmp_path, (Diagram(f"flowchart LR\n{line}\n  s0 --> s1"),))
    assert isinstance(part, Text)


def _diagrams(folder: Path, parts: tuple[Diagram, ...]) -> tuple[Any, ...]:
    section = ReportSection("stages", "Stages", parts, 7)
    write_artifact(folder, Artifact(Verdict("same", True, "same"), (section,)), "")
    (folder / "pull-request.json").write_text(
        json.dumps({"forge": "github", "repository": "a/b", "number": 1, "head_sha": "0" * 40})
    )
    return read_artifact(folder).sections[0].parts
