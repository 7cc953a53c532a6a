"""A diff as a self-contained page: its sections, with both revisions' curves over one another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fivefold.history.diff.changes import Diff, Gate
from fivefold.history.diff.curves import read_curves
from fivefold.history.diff.overlays import Overlay
from fivefold.history.diff.parts import place_text, short_name
from fivefold.history.diff.plots import Images, read_plots
from fivefold.history.diff.sections import Part, ReportSection, report_sections
from fivefold.history.figures import change_text, value_text
from fivefold.history.reader import Reader
from fivefold.history.tables import Table, Text
from fivefold.report import (
    Alert,
    Block,
    Cell,
    Chart,
    Column,
    Fact,
    Facts,
    Page,
    Picture,
    Section,
    charts,
    render_html,
)
from fivefold.report import Table as PageTable
from fivefold.report import Text as PageText
from fivefold.report import format as form

__all__ = ["diff_page", "diff_sections", "render_page"]

_OUTCOMES: dict[str, tuple[str, Any]] = {
    "better": ("better", "good"),
    "failed": ("not acceptable", "bad"),
    "worse": ("worse", "bad"),
    "noise": ("within noise", None),
    "same": ("the same", None),
    "identical": ("identical", None),
    "mixed": ("mixed", "warn"),
    "unknown": ("can't be told", "warn"),
}
_MOST_SLICES = 30
_KINDS = {"better": "better", "worse": "worse"}
_STATUS: dict[str, Any] = {
    "better": "good",
    "worse": "bad",
    "noise": "warn",
    "unreadable": "bad",
}


def render_page(reader: Reader, diff: Diff, *, everything: bool = False) -> str:
    """Write a diff as one HTML file that needs no other, and no network."""
    return render_html(diff_page(reader, diff, everything=everything))


def diff_page(reader: Reader, diff: Diff, *, everything: bool = False) -> Page:
    """Make the page of a diff.

    Parameters
    ----------
    reader : Reader
        Gives the curves and plots of both revisions.
    diff : Diff
    everything : bool, default=False
        Show the metrics that didn't change too.
    """
    root = reader.repository.root
    return Page(
        title=f"{_name(diff, 'head')} against {_name(diff, 'base')}",
        lead=diff.verdict[:1].upper() + diff.verdict[1:] + ".",
        sections=diff_sections(reader, diff, everything=everything),
        kicker=f"{root.name} · diff" if root else "diff",
    )


def diff_sections(reader: Reader, diff: Diff, *, everything: bool = False) -> tuple[Section, ...]:
    """Give the sections of a diff's page, for this page or another."""
    curves = read_curves(reader, diff)
    plots, images, unread = ((), (), ()) if diff.is_empty else read_plots(reader, diff)
    found = []
    for section in report_sections(diff, everything=everything):
        if section.name == "verdict":
            found.append(Section("In short", [_facts(diff)]))
        elif section.name == "notes":
            continue
        else:
            found.append(_section(section, diff))
            if section.name == "metrics":
                found.extend(_drawn(curves, plots, images))
    notes = [Alert("info", _plain(note)) for note in (*diff.notes, *unread)]
    return (*found, *([Section("Notes", notes)] if notes else ()))


def _name(diff: Diff, side: str) -> str:
    revision = diff.base if side == "base" else diff.head
    return "working tree" if revision.commit is None else revision.label


def _facts(diff: Diff) -> Facts:
    word, status = _OUTCOMES.get(diff.outcome, (diff.outcome, None))
    facts = [Fact("verdict", word, status=status)]
    change = next((c for c in diff.metrics if c.name == diff.primary), None)
    if change is not None:
        moved = change_text(change.change)
        facts.append(
            Fact(
                change.name,
                value_text(change.head),
                note=f"{moved} from {value_text(change.base)}" if moved else "",
                status=_STATUS.get(change.judgement) if change.judgement != "noise" else None,
            )
        )
    facts.append(_gates_fact(diff.gates))
    if diff.place is not None:
        rank = "not ranked" if diff.place.rank is None else str(diff.place.rank)
        note = place_text(diff.place).partition(" ")[2] if diff.place.rank else ""
        facts.append(Fact("place", rank, note=note))
    spent = [(c.base_seconds, c.head_seconds) for c in diff.cost]
    before, after = (sum(pair[i] or 0 for pair in spent) for i in (0, 1))
    if after:
        note = f"{after / before - 1:+.0%} from {form.duration(before)}" if before else ""
        facts.append(Fact("time of all stages", form.duration(after), note=note))
    return Facts(facts)


def _gates_fact(gates: Sequence[Gate]) -> Fact:
    asked = [gate for gate in gates if gate.required]
    failed = sum(gate.failed for gate in asked)
    allowed = sum(gate.state == "allowed" for gate in asked)
    held = f"{len(asked) - failed - allowed} of {len(asked)} passed"
    if failed:
        return Fact("gates", f"{failed} failed", note=held, status="bad")
    if allowed:
        return Fact("gates", f"{allowed} allowed", note=held, status="warn")
    return Fact("gates", "passed", note=held, status="good")


def _section(section: ReportSection, diff: Diff) -> Section:
    blocks = [block for part in section.parts if (block := _block(part)) is not None]
    charts_of = {"metrics": _forest, "slices": _slices, "place": _trend, "cost": _costs}
    chart = charts_of[section.name](diff) if section.name in charts_of else None
    if chart is not None:
        # The picture of costs and places is read first; below the table it would be missed.
        blocks.insert(0 if section.name != "place" else len(blocks), chart)
    return Section(section.title, blocks)


def _block(part: Part) -> Block | None:
    """Turn a part into a block; a diagram is drawn by the page in its own way."""
    if isinstance(part, Text):
        if part.style == "noise":
            return Alert("warn", _plain(part.text))
        return PageText(_plain(part.text))
    if not isinstance(part, Table):
        return None
    styles = part.styles or [""] * len(part.rows)
    heads = [Column(c.title, "number" if c.number else "text") for c in part.columns]
    last = len(heads) - 1
    rows = [
        [
            Cell(text, _STATUS[style]) if place == last and style in _STATUS else text
            for place, text in enumerate(row)
        ]
        for row, style in zip(part.rows, styles, strict=True)
    ]
    return PageTable(heads, rows, caption=part.title)


def _plain(text: str) -> str:
    """Write a text that isn't Markdown as Markdown that shows it."""
    special = "\\`*_[]<>&#|~!"
    return "".join(f"\\{c}" if c in special else c for c in " ".join(text.split()))


def _forest(diff: Diff) -> Chart | None:
    """Draw the changes of the metrics whose intervals are known, in shares of the base's values."""
    drawn = []
    for change in diff.metrics:
        ends = change.interval
        if ends is None or not change.base or change.goal is None:
            continue
        sign = (1 if change.goal == "maximize" else -1) / abs(change.base)
        low, high = sorted(sign * end for end in ends)
        drawn.append((short_name(change.name), sign * (change.effect or 0.0), low, high, change))
    if not drawn:
        return None
    names, moved, lows, highs, found = zip(*drawn, strict=True)
    told = [f"{change_text(c.change)} ({value_text(c.base)} → {value_text(c.head)})" for c in found]
    kinds = [_KINDS.get(c.judgement, "within noise") for c in found]
    return charts.changes(names, moved, lows, highs, told=told, kinds=kinds)


def _slices(diff: Diff) -> Chart | None:
    """Draw the change of every slice that is large enough to judge, the worst first."""
    report = diff.slices
    goal = next((c.goal for c in diff.metrics if report and c.name == report.metric), None)
    if report is None or goal is None:
        return None
    shown = [item for item in report.slices if item.interval is not None][:_MOST_SLICES]
    if len(shown) < 2:
        return None
    sign = 1 if goal == "maximize" else -1
    ends = [sorted(sign * end for end in item.interval or ()) for item in shown]
    return charts.changes(
        [item.name for item in shown],
        [sign * item.change for item in shown],
        [low for low, _ in ends],
        [high for _, high in ends],
        told=[f"{value_text(i.base)} → {value_text(i.head)}, {i.rows:,} rows" for i in shown],
        kinds=[_KINDS.get(item.judgement, "within noise") for item in shown],
        share=False,
        title=f"{report.metric} by slice: change and 95% interval",
        caption="Each interval is of its slice alone; better and worse are judged with "
        f"{report.correction}'s correction for their number.",
    )


def _trend(diff: Diff) -> Chart | None:
    if diff.place is None or len(diff.place.trend) < 3:
        return None
    names, values = zip(*diff.place.trend, strict=True)
    return charts.overlay(
        {diff.place.metric: {"x": names, "y": values}},
        x="run, the oldest first",
        y=diff.place.metric,
        title=f"{diff.place.metric} over the ranked runs",
        width="full",
    )


def _costs(diff: Diff) -> Chart | None:
    spent = [c for c in diff.cost if c.base_seconds is not None or c.head_seconds is not None]
    if len(spent) < 2:
        return None
    return charts.paired_bars(
        [change.stage for change in spent],
        [change.base_seconds for change in spent],
        [change.head_seconds for change in spent],
        x="seconds",
        title="Time per stage",
    )


def _drawn(
    curves: Sequence[Overlay], plots: Sequence[Overlay], images: Sequence[Images]
) -> list[Section]:
    sections = []
    if curves:
        sections.append(Section("Curves", [_overlay(overlay) for overlay in curves]))
    if plots:
        sections.append(Section("Plots", [_overlay(overlay) for overlay in plots]))
    pictures: list[Block] = []
    for image in images:
        for side, data in (("base", image.base), ("head", image.head)):
            if data is None:
                pictures.append(Alert("info", f"{_plain(image.path)}: the {side} has none."))
            else:
                title = f"{image.path}, {side}"
                pictures.append(Picture(data, image.media_type, title=title, width="half"))
    if pictures:
        # Apart from the plots, so that both sides of a picture stand in one row.
        sections.append(Section("Pictures", pictures))
    return sections


def _overlay(overlay: Overlay) -> Chart:
    curves = {}
    for series in overlay.series:
        name = f"{series.side}: {series.name}" if series.name else series.side
        curves[name] = {"x": series.x, "y": series.y, "low": series.low, "high": series.high}
    base = [name for name in curves if name.startswith("base")]
    any_named = any(series.name for series in overlay.series)
    return charts.overlay(
        curves,
        x=overlay.x,
        y=overlay.y,
        unit=overlay.unit,
        end=overlay.end,
        guide=overlay.guide,
        mark=overlay.mark,
        faint=base,
        # Several of one side are told apart by colour, and the sides by their dashes.
        groups=[series.name for series in overlay.series] if any_named else (),
        title=overlay.title,
    )
