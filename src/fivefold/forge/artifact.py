"""The folder that carries a report from the run that made it to the job that may publish it.

Sections are kept as tables and texts, not as Markdown: what publishes them writes the Markdown
itself, so that nothing in them is ever more than text. ``report.md`` is for people.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fivefold.errors import ArtifactError, OutputError
from fivefold.files import replace_text
from fivefold.forge.environment import Proposal
from fivefold.forge.strict import Field, read_json
from fivefold.history.diff.sections import Diagram, Part, ReportSection
from fivefold.history.tables import Column, Table, Text

__all__ = ["OUTCOMES", "Artifact", "Verdict", "read_artifact", "write_artifact"]

OUTCOMES = ("identical", "better", "worse", "noise", "same", "mixed", "failed", "unknown")
"""Those of a `fivefold.history.diff.changes.Diff`."""

_REPORT = "report.md"
_SECTIONS = "sections.json"
_VERDICT = "verdict.json"
_PROPOSAL = "pull-request.json"
_MOST_BYTES = {_SECTIONS: 4 << 20, _VERDICT: 256 << 10, _PROPOSAL: 16 << 10}
_MOST_SECTIONS = 100
_MOST_PARTS = 200
_MOST_COLUMNS = 50
_MOST_ROWS = 5_000
_MOST_CHARACTERS = 10_000

_NAME = re.compile(r"[a-z]{1,40}")
_TITLE = re.compile(r"[A-Za-z0-9 ,()'-]{0,60}")
_STYLE = re.compile(r"[a-z]{0,20}")
_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_REPOSITORY = re.compile(r"[\w.-]{1,100}(?:/[\w.-]{1,100}){1,20}", re.ASCII)

# Diagrams are read by the forge's Mermaid, whose language can open links and load pictures. What
# ours need is little; a line of anything else, and the diagram is left out.
_LABEL = r"\"(?u:[\w ./()@:=+,·…-])*\""
_ENDS = r"-?[\d.]+ --> -?[\d.]+"
_DIAGRAM_LINE = re.compile(
    "|".join(
        (
            r"flowchart (?:LR|TD)",
            r"xychart-beta",
            rf"  s\d+\[{_LABEL}\]",
            r"  s\d+ --> s\d+",
            r"  classDef [a-z]+ [a-z#0-9:,-]+",
            r"  class s\d+(?:,s\d+)* [a-z]+",
            r"---|config:|  themeVariables:|    xyChart:",
            r"      plotColorPalette: \"#[0-9a-f]{6}(?:, #[0-9a-f]{6})*\"",
            rf"  title {_LABEL}",
            rf"  [xy]-axis {_LABEL} {_ENDS}",
            r"  line \[[-+e0-9., ]*\]",
        )
    ),
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the diff comes to.

    Attributes
    ----------
    outcome : str
        One of `OUTCOMES`.
    passed : bool or None
        Whether every gate is passed or allowed; None where there are no gates.
    line : str
        In one line.
    gates : tuple of dict
        Each gate's figures; for whoever reads ``verdict.json``.
    base, head : str or None
        Commit ids; None for a working tree.
    place : str or None
        On the leaderboard, in words.
    """

    outcome: str
    passed: bool | None
    line: str
    gates: tuple[Mapping[str, Any], ...] = ()
    base: str | None = None
    head: str | None = None
    place: str | None = None


@dataclass(frozen=True, slots=True)
class Artifact:
    """What a report's folder holds.

    Attributes
    ----------
    verdict : Verdict
    sections : tuple of ReportSection
    proposal : Proposal or None
        None where the run was of no pull request.
    """

    verdict: Verdict
    sections: tuple[ReportSection, ...]
    proposal: Proposal | None = None


def write_artifact(folder: Path, artifact: Artifact, markdown: str) -> None:
    """Write a report's folder; each file whole or not at all.

    Parameters
    ----------
    folder : Path
        Made where it isn't there. What an earlier report left in it is replaced.
    artifact : Artifact
    markdown : str
        The sections as a person reads them.

    Raises
    ------
    OutputError
        Where the folder can't be written to.
    """
    kept = list(artifact.sections)[:_MOST_SECTIONS]
    sections = _dump({"sections": [_section(section) for section in kept]})
    while len(sections.encode()) > _MOST_BYTES[_SECTIONS]:
        kept.remove(max(kept, key=lambda section: section.priority))
        sections = _dump({"sections": [_section(section) for section in kept]})
    files = {
        _REPORT: markdown,
        _SECTIONS: sections,
        _VERDICT: _dump({"version": 1, **asdict(artifact.verdict)}),
    }
    if artifact.proposal is not None:
        files[_PROPOSAL] = _dump(asdict(artifact.proposal))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            replace_text(folder / name, text)
        if artifact.proposal is None:
            (folder / _PROPOSAL).unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(
            "the report can't be written", where=str(folder), got=str(error.strerror)
        ) from error


def read_artifact(folder: Path) -> Artifact:
    """Read a report's folder that anybody may have filled.

    Raises
    ------
    ArtifactError
        Where a file is missing, a symbolic link, too large or no JSON, or a value in it has
        another type or size than a report writes. Other files and keys are not looked at.
    """
    proposal = read_json(folder, _PROPOSAL, most=_MOST_BYTES[_PROPOSAL])
    verdict = read_json(folder, _VERDICT, most=_MOST_BYTES[_VERDICT])
    sections = read_json(folder, _SECTIONS, most=_MOST_BYTES[_SECTIONS])["sections"]
    found = [_read_section(field) for field in sections.items(_MOST_SECTIONS)]
    if len({section.name for section in found}) < len(found):
        raise ArtifactError("two sections have one name", where=_SECTIONS)
    return Artifact(_read_verdict(verdict), tuple(found), _read_proposal(proposal))


def _dump(value: Any) -> str:
    return json.dumps(_finite(value), ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def _finite(value: Any) -> Any:
    """Give a value that JSON can hold: what isn't finite, or has no place in it, becomes a text."""
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if isinstance(value, str):
        # A path that isn't UTF-8 can't be written as it is.
        return value.encode("utf-8", "replace").decode()
    if value is None or isinstance(value, (bool, int)):
        return value
    return value if isinstance(value, float) and math.isfinite(value) else str(value)


def _section(section: ReportSection) -> dict[str, Any]:
    parts = [_part(part) for part in section.parts[:_MOST_PARTS]]
    return {
        "name": section.name,
        "title": section.title,
        "priority": section.priority,
        "folded": section.folded,
        "parts": parts,
    }


def _part(part: Part) -> dict[str, Any]:
    if isinstance(part, Diagram):
        return {"diagram": part.source}
    if isinstance(part, Text):
        return {"text": _short(part.text), "style": part.style}
    return {
        "columns": [{"title": c.title, "number": c.number} for c in part.columns],
        "rows": [[_short(cell) for cell in row] for row in part.rows[:_MOST_ROWS]],
        "title": part.title,
    }


def _short(text: str) -> str:
    return text if len(text) <= _MOST_CHARACTERS else f"{text[: _MOST_CHARACTERS - 1]}…"


def _read_section(field: Field) -> ReportSection:
    parts = [_read_part(item) for item in field["parts"].items(_MOST_PARTS)]
    return ReportSection(
        field["name"].matching(_NAME, "lower-case letters, at most 40"),
        field["title"].matching(_TITLE, "words, at most 60 characters"),
        tuple(part for part in parts if part is not None),
        field["priority"].whole(0, 1000),
        field["folded"].flag(),
    )


def _read_part(field: Field) -> Part | None:
    if not field["diagram"].is_null:
        return _read_diagram(field["diagram"].text(_MOST_CHARACTERS * 4))
    if not field["text"].is_null:
        style = field["style"].matching(_STYLE, "the name of a style")
        return Text(field["text"].text(_MOST_CHARACTERS), style)
    columns = tuple(
        Column(item["title"].text(200), number=item["number"].flag())
        for item in field["columns"].items(_MOST_COLUMNS)
    )
    rows = []
    for row in field["rows"].items(_MOST_ROWS):
        cells = [cell.text(_MOST_CHARACTERS) for cell in row.items(_MOST_COLUMNS)]
        if len(cells) != len(columns):
            row.refuse(f"{len(columns)} cells, one a column")
        rows.append(cells)
    return Table(columns, rows, [], field["title"].text(200))


def _read_diagram(source: str) -> Part:
    if all(_DIAGRAM_LINE.fullmatch(line) for line in source.split("\n")):
        return Diagram(source)
    return Text("A diagram is left out: it is none that a report draws.", "dim")


def _read_verdict(field: Field) -> Verdict:
    passed = field["passed"]
    outcome = field["outcome"].text(40)
    if outcome not in OUTCOMES:
        field["outcome"].refuse(", ".join(OUTCOMES))
    return Verdict(
        outcome,
        None if passed.is_null else passed.flag(),
        field["line"].text(_MOST_CHARACTERS),
        base=_read_sha(field["base"]),
        head=_read_sha(field["head"]),
    )


def _read_sha(field: Field) -> str | None:
    return None if field.is_null else field.matching(_SHA, "40 hexadecimal digits, or null")


def _read_proposal(field: Field) -> Proposal:
    forge = field["forge"].text(10)
    if forge not in ("github", "gitlab"):
        field["forge"].refuse("github, gitlab")
    return Proposal(
        "github" if forge == "github" else "gitlab",
        field["repository"].matching(_REPOSITORY, "owner/name"),
        field["number"].whole(1, 10**12),
        field["head_sha"].matching(_SHA, "40 hexadecimal digits"),
    )
