"""What stands on a run's page, section by section."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fivefold.history.diff.changes import Gate
from fivefold.history.dvc.values import same
from fivefold.history.figures import ends_text, seconds_text, value_text
from fivefold.history.git.repository import Revision
from fivefold.history.intervals import is_noise
from fivefold.history.measures import is_number
from fivefold.history.site import panels
from fivefold.history.site.gather import Entry, Site
from fivefold.history.site.lineage import Picture, draw_lineage
from fivefold.report import Alert, Block, Cell, Column, Fact, Facts, Table, Text, format  # noqa: A004

__all__ = ["REPORTS", "Part", "parts_of", "reports_of"]

REPORTS = "reports"
_LONGEST = 160
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
    drawn = panels.plots(reader, Revision(entry.run.short, entry.run.commit))
    found = [
        Part("summary", "In short", (*_summary(site, entry, primary), *_warnings(entry))),
        Part("charter", "Charter", tuple(_charter(entry))),
        Part("metrics", "Evaluation", (*_metrics(entry, before), *_gates(entry), *judged, *drawn)),
        Part("data", "Data", tuple(_data(entry, before))),
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
            tuple(_stages(lock, old)),
            "Every stage with what it reads and writes",
        ),
        Part("cost", "Cost", tuple(_cost(entry))),
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


_CHARTER = (
    *("problem", "objective", "task", "target", "primary_metric", "metrics", "thresholds"),
    *("guardrails", "budget", "roles", "stakeholders", "assumptions", "risks"),
)


def _charter(entry: Entry) -> list[Block]:
    """Put the plan's flat params together by their first word."""
    plan: dict[str, list[str]] = {}
    for name, value in entry.params.items():
        section, _, rest = name.partition(".")
        key, _, inner = rest.partition(".")
        if section == "plan" and key in _CHARTER and value not in (None, "", [], {}):
            said = _said(value)
            plan.setdefault(key, []).append(f"{inner.replace('.', ' ')} {said}" if inner else said)
    rows = [(key.replace("_", " "), "; ".join(plan[key])) for key in _CHARTER if key in plan]
    return [Table(["of the plan", "as this run had it"], rows)] if rows else []


def _said(value: Any) -> str:
    if isinstance(value, Mapping):
        return "; ".join(
            f"{k.replace('.', ' ')} {_said(v)}" for k, v in value.items() if v is not None
        )
    if isinstance(value, list):
        return "; ".join(map(_said, value))
    return value_text(value)


def _metrics(entry: Entry, before: Entry | None) -> list[Block]:
    rows = []
    for name, m in entry.measures.items():
        old = before.details.metrics.get(name) if before else None
        goal = entry.goals.direction(name).goal
        change: Any = None
        if old is not None and is_number(old.value) and is_number(m.value) and old.value != m.value:
            noise = is_noise(old.value, old.interval, m.value, m.interval)
            better = None if goal is None else (m.value > old.value) == (goal == "maximize")
            word = "noise" if noise else {True: "better", False: "worse", None: "changed"}[better]
            status = {"better": "good", "worse": "bad"}.get(word)
            change = Cell(f"{m.value - old.value:+.3g} {word}", status)  # type: ignore[arg-type]
        rows.append(
            (
                name,
                value_text(m.value),
                ends_text(m.interval),
                value_text(entry.details.baselines[name])
                if name in entry.details.baselines
                else "",
                {"maximize": "more is better", "minimize": "less is better"}.get(goal or "", ""),
                change if change is not None else "",
            )
        )
    if not rows:
        return []
    heads: list[str | Column] = [
        "metric",
        Column("value", "number"),
        Column("95% interval", "interval"),
        Column("baseline", "number"),
        "goal",
        "against the run before",
    ]
    keep = [i for i in range(len(heads)) if i < 2 or any(row[i] != "" for row in rows)]
    table = Table([heads[i] for i in keep], [[row[i] for i in keep] for row in rows], "The metrics")
    return [table]


def _gates(entry: Entry) -> list[Block]:
    if not entry.gates:
        return []
    rows = [
        (
            re.sub("^(threshold|guardrail|budget)[.]", "", gate.name),
            gate.metric,
            gate.asks,
            value_text(gate.value) if gate.value is not None else _absent(gate),
            Cell(
                "reached" if gate.passed else "not reached" if gate.value is not None else "–",  # noqa: RUF001
                "good" if gate.passed else "bad" if gate.required else None,
            ),
        )
        for gate in entry.gates
    ]
    heads: list[str | Column] = ["gate", "metric", "asks for", Column("value", "number"), "verdict"]
    return [Table(heads, rows, "The plan's thresholds, guardrails and budgets")]


def _absent(gate: Gate) -> str:
    return "missing" if gate.required else "not recorded"


def _data(entry: Entry, before: Entry | None) -> list[Block]:
    old = before.details.data if before else {}
    rows = [
        (
            path,
            item.value[:12],
            item.size,
            item.files,
            "● changed" if before and (path not in old or old[path].value != item.value) else "",
        )
        for path, item in entry.details.data.items()
    ]
    found: list[Block] = []
    split = _json(entry, f"{REPORTS}/split.json").get("parts")
    if isinstance(split, Mapping):
        parts = [
            (str(name), part.get("rows"), part.get("share"), part.get("target_rate"))
            for name, part in split.items()
            if isinstance(part, Mapping)
        ]
        heads: list[str | Column] = [
            "part",
            Column("rows", "integer"),
            Column("share", "percent"),
            Column("target rate", "percent"),
        ]
        found.append(Table(heads, parts, "The parts that the table was split into"))
    if rows:
        titles: list[str | Column] = [
            "path",
            Column("hash", "code"),
            Column("size", "size"),
            Column("files", "integer"),
            "against the run before",
        ]
        keep = [0, 1, 2, *(i for i in (3, 4) if any(row[i] for row in rows))]
        found.insert(
            0,
            Table(
                [titles[i] for i in keep],
                [[row[i] for i in keep] for row in rows],
                "What DVC keeps, as dvc.lock vouches for it",
            ),
        )
    return found


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


def _stages(lock: Any, old: Any) -> list[Block]:
    rows = []
    for name, stage in lock.stages.items():
        was = old.stages.get(name) if old else None
        for kind, items in (("reads", stage.deps), ("writes", stage.outs)):
            for path, item in items.items():
                known = getattr(was, "deps" if kind == "reads" else "outs", {}).get(path)
                new = old is not None and (known is None or known.value != item.value)
                rows.append((name, kind, path, item.value[:12], "● changed" if new else ""))
    heads: list[str | Column] = [
        "stage",
        "",
        "path",
        Column("hash", "code"),
        "against the run before",
    ]
    keep = slice(None) if any(row[4] for row in rows) else slice(4)
    return [Table(heads[keep], [row[keep] for row in rows], "Stages and hashes")] if rows else []


def _cost(entry: Entry) -> list[Block]:
    rows = [
        (stage, row.get("seconds"), row.get("peak_memory_mb"))
        for stage, row in entry.details.cost.items()
    ]
    heads: list[str | Column] = [
        "stage",
        Column("seconds", "number"),
        Column("peak memory, MB", "number"),
    ]
    return [Table(heads, rows, "Seconds and memory by stage")] if rows else []


def short_path(path: str) -> str:
    """Give the name by which a report is linked."""
    return posixpath.splitext(path.removeprefix(f"{REPORTS}/"))[0]
