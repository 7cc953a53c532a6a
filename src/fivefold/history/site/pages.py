"""The pages as HTML."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fivefold.history.figures import value_text
from fivefold.history.leaderboard.standings import Row
from fivefold.history.measures import is_number
from fivefold.history.site.columns import Scale, columns_of
from fivefold.history.site.gather import Entry, Site, Standing
from fivefold.history.site.runpage import parts_of, reports_of, short_path
from fivefold.report import Block, Chart, Fact, Facts, format  # noqa: A004
from fivefold.report.html import environment, render_blocks
from fivefold.report.spec import to_json
from fivefold.report.theme import CONFIG

if TYPE_CHECKING:
    import jinja2

__all__ = [
    "board_file",
    "board_page",
    "compare_page",
    "history_page",
    "index_page",
    "report_page",
    "run_page",
]

_ROOM = Path(__file__).parent
_LATEST = 12
_POLICY = (
    # From a file "self" is no origin everywhere, so the scheme is named too; nothing else loads.
    "default-src 'none'; script-src 'self' file:; style-src 'self' file: 'unsafe-inline'; "
    "img-src 'self' file: data:; frame-src 'self' file:; base-uri 'none'; form-action 'none'"
)
_SIGNS = {"good": "✓", "warn": "!", "bad": "✕"}


@functools.cache
def _templates() -> jinja2.Environment:
    import jinja2

    own = jinja2.PrefixLoader({"site": jinja2.FileSystemLoader(_ROOM / "templates")})
    shared = environment()
    found = shared.overlay(loader=jinja2.ChoiceLoader([own, shared.loader or own]))
    found.filters["value"] = value_text
    return found


def _render(site: Site, template: str, title: str, **values: Any) -> str:
    given: dict[str, Any] = {
        "site": site,
        "title": title,
        "policy": _POLICY,
        "root": "",
        "here": "",
        "kicker": "",
        "lead": "",
        "charts": False,
        "config": to_json(CONFIG),
        "scripts": [],
        "signs": _SIGNS,
    }
    return _templates().get_template(f"site/{template}").render(given | values)


def board_file(site: Site, name: str) -> str:
    """Give the file of a board's page: its name, where that can stand in an address."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", name)
    names = [re.sub(r"[^A-Za-z0-9_-]+", "-", board.name) for board in site.boards]
    place = [board.name for board in site.boards].index(name)
    return f"board-{plain}.html" if names.count(plain) == 1 else f"board-{plain}-{place}.html"


def board_page(site: Site, standing: Standing) -> str:
    """Write a board's page."""
    found = standing.found
    rows = [row for row in standing.rows if is_number(row.value)]
    plans = [
        e.plan for e in site.entries if e.plan and found and e.plan.primary == found.board.primary
    ]
    marks = list(plans[0].thresholds.values()) if plans else []
    lead = ""
    if found is not None:
        lead = f"{format.plural(found.ranked, 'run')} ranked by {found.board.primary}"
        if found.unranked:
            lead += f", {len(found.unranked)} below the line"
    return _render(
        site,
        "board.html.j2",
        standing.name,
        kicker="Leaderboard",
        lead=lead,
        here="board",
        board=standing,
        columns=columns_of(standing) if found else [],
        scale=Scale(rows, marks) if rows else None,
        charts=True,
        scripts=["data/runs.js", "assets/runs.js", "assets/board.js", "assets/hyper.js"],
    )


def history_page(site: Site) -> str:
    """Write the page of metrics over time."""
    scripts = ["data/runs.js", "assets/runs.js", "assets/history.js"]
    lead = "Every run of the history by the time of its commit."
    return _render(
        site,
        "history.html.j2",
        "Over time",
        lead=lead,
        here="history",
        charts=True,
        scripts=scripts,
    )


def compare_page(site: Site) -> str:
    """Write the page that compares any two runs."""
    scripts = ["data/runs.js", "assets/runs.js", "assets/compare.js"]
    lead = "What got better, what got worse, whether it is noise, and why."
    return _render(
        site, "compare.html.j2", "Compare two runs", lead=lead, here="compare", scripts=scripts
    )


def report_page(site: Site) -> str:
    """Write the page that frames a committed report."""
    return _render(site, "report.html.j2", "Committed report", scripts=["assets/report.js"])


def index_page(site: Site) -> str:
    """Write the front page."""
    best = site.best
    board = next((b.found.board for b in site.boards if b.found and b.found.rows), None)
    branches = {entry.run.branch for entry in site.entries}
    facts = [
        Fact("runs", len(site.entries)),
        Fact("branches with runs", len(branches)),
    ]
    if best is not None and board is not None:
        note = f"95% interval {format.interval(*best.interval)}" if best.interval else ""
        facts.insert(0, Fact(f"best {board.primary}", best.value, note))
        if best.model:
            facts.insert(1, Fact("by the model", best.model))
    untrusted = sum(not entry.details.integrity.trusted for entry in site.entries)
    facts.append(Fact("stale or edited runs", untrusted, "", "warn" if untrusted else "good"))
    return _render(
        site,
        "index.html.j2",
        site.name,
        lead=site.problem,
        verdict=_verdict(site, best, board.primary if board else ""),
        facts=render_blocks([Facts(facts)], "Where it stands"),
        best=best,
        primary=board.primary if board else "",
        latest=site.entries[:_LATEST],
        files={b.name: board_file(site, b.name) for b in site.boards},
        left_out=len(site.entries) - len(site.pages),
    )


def _verdict(site: Site, best: Row | None, primary: str) -> dict[str, str]:
    if best is None:
        return {"status": "warn", "text": "No run can be ranked."}
    text = f"{primary} {value_text(best.value, digits=4)}"
    entry = site.by_id.get(best.run.id)
    gates = entry.gates if entry else ()
    failed = [gate for gate in gates if gate.required and not gate.passed]
    reached = [
        gate.name.rpartition(".")[2] for gate in gates if gate.kind == "threshold" and gate.passed
    ]
    rails = [gate for gate in gates if gate.kind == "guardrail"]
    if failed:
        names = ", ".join(f"{gate.metric} is not {gate.asks}" for gate in failed)
        return {"status": "bad", "text": f"The best run is not acceptable: {names}; {text}."}
    text = f"The best run is {reached[-1]}: {text}" if reached else f"The best run reaches {text}"
    if rails:
        text += (
            "; the guardrail holds" if len(rails) == 1 else f"; all {len(rails)} guardrails hold"
        )
    first = next(b for b in site.boards if b.found and b.found.rows).found
    level = sum(row.rank == 1 for row in first.rows) - 1 if first else 0
    if level:
        text += f"; {format.plural(level, 'other run')} can't be told from it"
    return {"status": "good" if reached else "", "text": f"{text}."}


def run_page(site: Site, entry: Entry, *, reports: bool) -> str:
    """Write a run's page.

    Parameters
    ----------
    site : Site
    entry : Entry
    reports : bool
        Whether the committed HTML reports are written, and so can be linked.
    """
    parts = parts_of(site, entry)
    blocks: list[Block] = [block for part in parts for block in (*part.blocks, *part.folded)]
    charts = any(isinstance(block, Chart) for block in blocks)
    run = entry.run
    when = run.time.strftime("%Y-%m-%d %H:%M %z") if run.time else ""
    lead = f"{run.short} by {run.author}, {when}" + (f", on {run.branch}" if run.branch else "")
    shown = [
        {
            "id": part.id,
            "title": part.title,
            "note": part.note,
            "picture": part.picture,
            "html": render_blocks(part.blocks, f"{part.title}: table"),
            "fold": part.fold,
            "folded": render_blocks(part.folded, f"{part.title}: all of it") if part.folded else "",
        }
        for part in parts
    ]
    linked = (
        [(short_path(p), blob.hex()) for p, blob in reports_of(entry).items()] if reports else []
    )
    commit = run.commit
    message = (
        commit.raw_message.decode(commit.message_encoding or "utf-8", "replace") if commit else ""
    )
    return _render(
        site,
        "run.html.j2",
        run.subject or run.short,
        kicker="Run",
        lead=lead,
        root="../",
        entry=entry,
        parts=shown,
        message=message.strip(),
        reports=linked,
        charts=charts,
        scripts=["assets/charts.js"] if charts else [],
    )
