"""What stands on a run's page, section by section."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fivefold.history.conventions import COST_FILE, TIMELINE_FILE
from fivefold.history.dvc.values import same
from fivefold.history.figures import seconds_text, value_text
from fivefold.history.git.repository import Revision
from fivefold.history.site import panels, runtables
from fivefold.history.site.gather import Entry, Site
from fivefold.history.site.lineage import Picture, draw_lineage
from fivefold.history.spent import read_spent, timelines
from fivefold.report import Alert, Block, Column, Fact, Facts, Table, Text, format  # noqa: A004

__all__ = ["REPORTS", "Part", "parts_of", "reports_of"]

REPORTS = "reports"
_LONGEST = 160
_MOST_DRAWN = 3
_WORDS = {
    "ok": "trusted",
    "stale": "stale",
    "edited": "edited by hand",
    "unverified": "not verified",
}


@dataclass(frozen=True)
class Part:
    """A section of a run's page: the graph where it is the lineage's, blocks, and folded ones."""

    id: str
    title: str
    blocks: tuple[Block, ...] = ()
    note: str = ""
    picture: Picture | None = None
    folded: tuple[Block, ...] = ()
    fold: str = ""


def parts_of(site: Site, entry: Entry) -> list[Part]:
    """Give the sections of a run's page; a section without content is left out."""
    before = site.by_id.get(entry.parents[0]) if entry.parents else None
    reader, snapshot = site.reader, entry.run.snapshot
    primary = _primary(site, entry)
    metrics = {name: m.value for name, m in entry.details.metrics.items()}
    lock = reader.lock(snapshot)
    old = reader.lock(before.run.snapshot) if before else None
    card = _text(entry, f"{REPORTS}/model-card.md")
    explored = _once(
        site,
        ("explore", snapshot.blob(f"{REPORTS}/explore.json")),
        lambda: panels.exploration(panels.read_report(reader, snapshot, f"{REPORTS}/explore.json")),
    )
    numbers = tuple(metrics.get(name) for name in ("roc_auc", "average_precision", primary))
    judged = _once(
        site,
        ("evaluate", snapshot.blob(f"{REPORTS}/evaluate.json"), primary, repr(numbers)),
        lambda: panels.evaluation(
            panels.read_report(reader, snapshot, f"{REPORTS}/evaluate.json"), metrics, primary
        ),
    )
    split = _json(entry, f"{REPORTS}/split.json").get("parts")
    drawn = panels.plots(reader, Revision(entry.run.short, entry.run.commit))
    found = [
        Part("summary", "In short", (*_summary(site, entry, primary), *_warnings(entry))),
        Part("charter", "Charter", tuple(runtables.charter(entry))),
        Part(
            "metrics",
            "Evaluation",
            (*runtables.metrics(entry, before), *runtables.gates(entry), *judged, *drawn),
        ),
        Part(
            "data",
            "Data",
            tuple(runtables.data(entry, before, split)),
        ),
        Part("exploration", "Exploration", tuple(explored)),
        Part("card", "Model card", (Text(_lowered(card)),) if card else ()),
        _params(entry, before),
        Part(
            "lineage",
            "Lineage",
            (),
            "Stages from top to bottom, with what each wrote and the first digits of its hash."
            + (" What differs from the run before is marked ●." if before else ""),
            draw_lineage(lock, old),
            tuple(runtables.stages(lock, old)),
            "Every stage with what it reads and writes",
        ),
        Part(
            "cost",
            "Cost",
            tuple(runtables.cost(entry)),
            folded=_timelines(site, entry),
            fold="The longest stages over time",
        ),
    ]
    return [part for part in found if part.blocks or part.folded]


def reports_of(entry: Entry) -> dict[str, bytes]:
    """Give the committed HTML reports of a run, by path, with their blob ids."""
    snapshot = entry.run.snapshot
    found = {}
    for path in snapshot.files(REPORTS):
        blob = snapshot.blob(path) if path.endswith((".html", ".htm")) else None
        if blob is not None:
            found[path] = blob
    return found


def _once(site: Site, key: tuple[object, ...], draw: Callable[[], list[Block]]) -> list[Block]:
    """Draw what many runs have in common once: most runs share their exploration."""
    if key not in site.drawn:
        site.drawn[key] = draw()
    return site.drawn[key]


def _timelines(site: Site, entry: Entry) -> tuple[Block, ...]:
    snapshot = entry.run.snapshot

    def draw() -> list[Block]:
        drawn = timelines(read_spent(site.reader, snapshot), _MOST_DRAWN)
        return [block for part in drawn for block in (Text(f"**{part.title}**"), *part.blocks)]

    blobs = (snapshot.blob(COST_FILE), snapshot.blob(TIMELINE_FILE))
    return tuple(_once(site, ("timelines", *blobs), draw))


def _primary(site: Site, entry: Entry) -> str:
    boards = [b.found.board.primary for b in site.boards if b.found]
    return entry.plan.primary if entry.plan else next(iter(boards), "")


def _summary(site: Site, entry: Entry, primary: str) -> list[Block]:
    facts = []
    measure = entry.details.metrics.get(primary)
    if measure is not None:
        ends = measure.interval
        facts.append(
            Fact(
                primary,
                measure.value,
                f"95% interval {format.interval(*ends)}" if ends else "",
            )
        )
    for name, row in entry.places.items():
        board = next(b for b in site.boards if b.name == name)
        shared = sum(other.rank == row.rank for other in board.rows) > 1
        if row.rank:
            note = "shared: the difference is within noise" if shared else ""
            facts.append(
                Fact(f"rank on board {name}", str(row.rank) + ("=" if shared else ""), note)
            )
        else:
            facts.append(Fact(f"rank on board {name}", "not ranked", "; ".join(row.reasons[:1])))
    model = next((row.model for row in entry.places.values() if row.model), None)
    if model:
        facts.append(Fact("model", model))
    seconds = sum(row.get("seconds", 0.0) for row in entry.details.cost.values())
    if seconds:
        facts.append(Fact("time of all stages", seconds_text(seconds)))
    status = entry.details.integrity.status
    facts.append(
        Fact(
            "integrity",
            _WORDS[status],
            "held against dvc.lock" if status == "ok" else "",
            "good" if status == "ok" else "warn" if status == "unverified" else "bad",
        )
    )
    return [Facts(facts)]


def _warnings(entry: Entry) -> list[Block]:
    found: list[Block] = []
    integrity = entry.details.integrity
    if not integrity.trusted:
        shown = [format.verbatim(reason) for reason in integrity.reasons[:8]]
        more = len(integrity.reasons) - len(shown)
        text = f"These results are {_WORDS[integrity.status]}: " + "; ".join(shown)
        found.append(Alert("bad", text + (f"; and {more} more" if more > 0 else "")))
    for gate in entry.gates:
        if gate.required and not gate.passed:
            value = "missing" if gate.value is None else value_text(gate.value)
            metric = format.verbatim(gate.metric)
            found.append(
                Alert(
                    "bad",
                    f"{metric} is {value}; the plan asks for {gate.asks}.",
                )
            )
    found.extend(Alert("warn", format.verbatim(problem)) for problem in entry.details.problems)
    return found


def _text(entry: Entry, path: str) -> str:
    blob = entry.run.snapshot.blob(path)
    return entry.run.snapshot.data(blob).decode(errors="replace") if blob is not None else ""


def _lowered(markdown: str) -> str:
    """Put a document's headings below the section's own."""
    lines, fenced = [], False
    for line in markdown.splitlines():
        fenced ^= line.startswith("```")
        heading = line.startswith("#") and not fenced
        lines.append(f"##{line}" if heading and not line.startswith("#####") else line)
    return "\n".join(lines)


def _json(entry: Entry, path: str) -> Mapping[str, Any]:
    import json

    try:
        found = json.loads(_text(entry, path) or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, Mapping) else {}


def _params(entry: Entry, before: Entry | None) -> Part:
    new = entry.params
    all_rows = [(name, _cut(value)) for name, value in new.items()]
    everything = (
        (Table(["param", Column("value", "code")], all_rows, "Every param"),) if new else ()
    )
    if before is None:
        return Part("params", "Params", folded=everything, fold=f"All {len(new)} params")
    old = before.params
    rows = [
        (
            name,
            _cut(old[name]) if name in old else "\N{EN DASH}",
            _cut(new[name]) if name in new else "\N{EN DASH}",
        )
        for name in dict.fromkeys((*new, *old))
        if name not in new or name not in old or not same(new[name], old[name])
    ]
    heads: list[str | Column] = ["param", Column("run before", "code"), Column("this run", "code")]
    changed: Block = (
        Table(heads, rows, "What differs from the run before")
        if rows
        else Text("No param differs from the run before.")
    )
    return Part("params", "Params", (changed,), folded=everything, fold=f"All {len(new)} params")


def _cut(value: Any) -> str:
    text = value_text(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def short_path(path: str) -> str:
    """Give the name by which a report is linked."""
    return posixpath.splitext(path.removeprefix(f"{REPORTS}/"))[0]
