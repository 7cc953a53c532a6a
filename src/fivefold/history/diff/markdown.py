"""A diff as the report of a pull request: Markdown that a forge accepts and folds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fivefold.history.diff.sections import Diagram, Part, ReportSection
from fivefold.history.markup import escape
from fivefold.history.tables import Table, Text, to_markdown

__all__ = ["MAX_BYTES", "write_markdown"]

MAX_BYTES = 65_000
"""GitHub promises 65,536 characters of a comment; it took more, and refused far more."""

_FEWER = (200, 50, 12)
_MARK = "<!-- section: {name} {priority} -->"


def write_markdown(sections: Sequence[ReportSection], *, max_bytes: int = MAX_BYTES) -> str:
    """Write sections for GitHub and GitLab, shortened and dropped until they fit.

    The long tables are shortened first, those of the least important sections before others; then
    whole sections are dropped, the least important first. One line at the end says what is gone.

    Parameters
    ----------
    sections : sequence of ReportSection
    max_bytes : int, default=65000
        The most that the forge takes, in bytes of UTF-8.

    Returns
    -------
    str
        It ends with a newline. Every section begins with a comment of its name and priority, by
        which a script can find it.
    """
    kept = list(sections)
    shortened: dict[str, int] = {}
    dropped: list[str] = []
    write = _Writer()
    text = write(kept, shortened, dropped)
    for most in _FEWER:
        for section in sorted(kept, key=lambda item: -item.priority):
            if len(text.encode()) <= max_bytes:
                return text
            place = next(i for i, item in enumerate(kept) if item.name == section.name)
            shorter, gone = _shorter(kept[place], most)
            if gone:
                kept[place] = shorter
                shortened[section.title.lower()] = shortened.get(section.title.lower(), 0) + gone
                text = write(kept, shortened, dropped)
    while len(text.encode()) > max_bytes:
        least = max(kept, key=lambda item: item.priority)
        if least.priority == 0:
            break
        kept.remove(least)
        dropped.append(least.title.lower())
        shortened.pop(least.title.lower(), None)
        text = write(kept, shortened, dropped)
    return text if len(text.encode()) <= max_bytes else _cut(text, max_bytes)


def _cut(text: str, max_bytes: int) -> str:
    """Cut what can't be dropped: a verdict that names a hundred gates, say."""
    return text.encode()[: max(0, max_bytes - 5)].decode(errors="ignore").rstrip() + "…\n"


def _shorter(section: ReportSection, most: int) -> tuple[ReportSection, int]:
    """Cut a section's tables to so many rows, and say how many rows are gone."""
    gone = 0
    parts: list[Part] = []
    for part in section.parts:
        if isinstance(part, Table) and len(part.rows) > most:
            gone += len(part.rows) - most
            parts.append(replace(part, rows=part.rows[:most], styles=part.styles[:most]))
        else:
            parts.append(part)
    texts = [part for part in parts if isinstance(part, Text)]
    if len(texts) > most:
        gone += len(texts) - most
        parts = [part for part in parts if part not in texts[most:]]
    return replace(section, parts=tuple(parts)), gone


class _Writer:
    """Writes sections again and again, but each part of them once."""

    def __init__(self) -> None:
        # The part is kept with its text, so that no other can get its id.
        self._known: dict[int, tuple[Part, str]] = {}

    def __call__(
        self, sections: Sequence[ReportSection], shortened: dict[str, int], dropped: Sequence[str]
    ) -> str:
        blocks = []
        for section in sections:
            body = "\n\n".join(map(self._part, section.parts))
            mark = _MARK.format(name=section.name, priority=section.priority)
            if section.folded:
                summary = f"<summary><b>{escape(section.title)}</b>{_size(section)}</summary>"
                blocks.append(f"{mark}\n<details>{summary}\n\n{body}\n\n</details>")
            elif section.title:
                blocks.append(f"{mark}\n### {escape(section.title)}\n\n{body}")
            else:
                blocks.append(f"{mark}\n{body}")
        gone = [f"{count} rows of {title}" for title, count in shortened.items()]
        if gone or dropped:
            blocks.append(f"_Too long for one comment; left out: {', '.join([*gone, *dropped])}._")
        return "\n\n".join(blocks) + "\n"

    def _part(self, part: Part) -> str:
        if id(part) not in self._known:
            self._known[id(part)] = (part, _part(part))
        return self._known[id(part)][1]


def _size(section: ReportSection) -> str:
    rows = sum(len(part.rows) for part in section.parts if isinstance(part, Table))
    return f" ({rows})" if rows else ""


def _part(part: Part) -> str:
    if isinstance(part, Diagram):
        return f"```mermaid\n{part.source}\n```"
    return to_markdown([part])
