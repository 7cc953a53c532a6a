"""A diff judged, with all that a report of it shows: what the commands `diff` and `gate` call."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from fivefold.errors import HistoryError
from fivefold.history.diff.allow import record
from fivefold.history.diff.changes import Diff
from fivefold.history.diff.compare import compare
from fivefold.history.diff.gate import parse_tolerances
from fivefold.history.diff.markdown import MAX_BYTES, write_markdown
from fivefold.history.diff.place import FEW, MANY, find_place
from fivefold.history.diff.render import render_terminal, to_dict
from fivefold.history.diff.sections import ReportSection, report_sections
from fivefold.history.git.repository import Repository
from fivefold.history.reader import Reader
from fivefold.history.tables import Text

__all__ = ["Review", "judge"]

_OF_GATES = ("verdict", "gates", "place", "notes")


@dataclass(frozen=True)
class Review:
    """A diff, and the repository it is of.

    Attributes
    ----------
    reader : Reader
    diff : Diff
    metric : str or None
        The metric that decides, as it was asked for.
    tolerances : tuple of str
        As they were asked for.
    rows, fetch : bool
        Whether predictions and tables were looked into, and downloaded for it.
    """

    reader: Reader
    diff: Diff
    metric: str | None = None
    tolerances: tuple[str, ...] = ()
    rows: bool = True
    fetch: bool = False

    def render(
        self,
        form: str,
        *,
        everything: bool = False,
        max_bytes: int = MAX_BYTES,
        gates_only: bool = False,
    ) -> str:
        """Write the report.

        Parameters
        ----------
        form : {"terminal", "markdown", "json", "html"}
        everything : bool, default=False
            Show the metrics that didn't change too.
        max_bytes : int, default=65000
            The most that Markdown may take.
        gates_only : bool, default=False
            In the terminal, leave out the sections that decide nothing.
        """
        if form == "json":
            return json.dumps(to_dict(self.diff), indent=2, ensure_ascii=False)
        if form == "html":
            # Pages import jinja2 and more, which no other format needs.
            from fivefold.history.diff.page import render_page

            return render_page(self.reader, self.diff, everything=everything)
        if form == "markdown":
            return write_markdown(self.sections(everything=everything), max_bytes=max_bytes)
        sections = report_sections(self.diff, everything=everything)
        if gates_only:
            sections = tuple(item for item in sections if item.name in _OF_GATES)
            sections = (*sections, *self._next())
        return render_terminal(sections)

    def sections(self, *, everything: bool = False) -> tuple[ReportSection, ...]:
        """Give the sections of a report, with both revisions' curves."""
        from fivefold.history.diff.curves import read_curves

        overlays = read_curves(self.reader, self.diff)
        return report_sections(self.diff, overlays=overlays, everything=everything)

    def _next(self) -> list[ReportSection]:
        failing = [gate.name for gate in self.diff.gates if gate.failed]
        if not failing or self.diff.head.commit is not None:
            return []
        text = f"Mend it, or record why not: fivefold gate --allow {failing[0]}=REASON"
        return [ReportSection("next", "", (Text(""), Text(text, "dim")), 9)]

    def require_primary(self) -> None:
        """Refuse a repository in which no metric can fail: a pass would say nothing.

        Raises
        ------
        HistoryError
            Where neither a plan nor an option names a metric.
        """
        if all(gate.kind == "integrity" for gate in self.diff.gates):
            raise HistoryError(
                "no gate can be held: no plan names a primary metric",
                allowed="a section 'plan' in a params file, or a metric in fivefold.yaml",
                hint="fivefold gate --metric NAME:maximize (or :minimize)",
            )

    def allow(self, texts: Sequence[str]) -> Review:
        """Record exceptions and judge again; see `record`."""
        record(self.reader, self.diff, texts)
        again = compare(
            self.reader,
            self.diff.base,
            self.diff.head,
            metric=self.metric,
            tolerances=parse_tolerances(self.tolerances),
            rows=self.rows,
            fetch=self.fetch,
        )
        return replace(self, diff=replace(again, place=self.diff.place))


def judge(
    base: str | None,
    head: str | None,
    *,
    metric: str | None = None,
    tolerance: Sequence[str] = (),
    place: str | bool = False,
    rows: bool = True,
    fetch: bool = False,
) -> Review:
    """Compare two revisions of the repository here.

    Parameters
    ----------
    base, head : str or None
        By default where HEAD left the default branch, and the working tree.
    metric : str, optional
    tolerance : sequence of str
        See `parse_tolerances`.
    place : str or False
        What the place on the leaderboard is for: ``terminal``, where somebody waits, or anything
        else; False leaves it out.
    rows, fetch : bool
        See `compare`.
    """
    reader = Reader(Repository())
    repository = reader.repository
    old = repository.resolve(base) if base else repository.default_base()
    new = repository.resolve(head) if head else repository.workspace()
    diff = compare(
        reader,
        old,
        new,
        metric=metric,
        tolerances=parse_tolerances(tolerance),
        rows=rows,
        fetch=fetch,
    )
    if place:
        most = FEW if place == "terminal" else MANY
        diff = replace(diff, place=find_place(reader, old, new, metric=metric, most=most))
    return Review(reader, diff, metric, tuple(tolerance), rows, fetch)
