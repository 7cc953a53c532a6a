"""What a page is made of: frozen values that know nothing of HTML, Markdown or files.

Titles, labels, captions and cells are plain text, whatever characters they hold. `Text.body`,
`Alert.text` and `Section.note` are Markdown without HTML and pictures; wrap names that come from
the data in `fivefold.report.format.verbatim` there.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from fivefold.report.spec import plain_spec

__all__ = [
    "MEDIA_TYPES",
    "Alert",
    "Block",
    "Cell",
    "Chart",
    "Column",
    "Fact",
    "Facts",
    "Page",
    "Picture",
    "Section",
    "Status",
    "Table",
    "Text",
]

Status = Literal["good", "warn", "bad"]
Level = Literal["info", "good", "warn", "bad"]
Width = Literal["full", "half", "third"]
Kind = Literal[
    "text", "code", "integer", "number", "percent", "change", "share", "interval", "size"
]


@dataclass(frozen=True)
class Text:
    """Running text.

    Attributes
    ----------
    body : str
        Markdown (CommonMark) without HTML and pictures, which are shown as they are written.
    """

    body: str


@dataclass(frozen=True)
class Alert:
    """A remark that a reader should not miss.

    Attributes
    ----------
    level : {"info", "good", "warn", "bad"}
        How it is meant.
    text : str
        Markdown, one or two sentences.
    """

    level: Level
    text: str


@dataclass(frozen=True)
class Fact:
    """One tile: a label and its value.

    Attributes
    ----------
    label : str
        What the value is.
    value : object
        A text, or a scalar that `fivefold.report.format.value` writes.
    note : str
        A few words below the value: an interval, a goal.
    status : {"good", "warn", "bad"}, optional
        Shown by a sign and a colour.
    """

    label: str
    value: object
    note: str = ""
    status: Status | None = None


@dataclass(frozen=True)
class Facts:
    """A row of tiles.

    Attributes
    ----------
    items : tuple of Fact
        Pairs ``(label, value)`` are accepted.
    """

    items: Sequence[Fact | tuple[str, object]]

    def __post_init__(self) -> None:
        facts = tuple(item if isinstance(item, Fact) else Fact(*item) for item in self.items)
        object.__setattr__(self, "items", facts)

    @property
    def facts(self) -> tuple[Fact, ...]:
        """The tiles, each a `Fact`."""
        return tuple(item for item in self.items if isinstance(item, Fact))


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    title : str
        Its heading.
    kind : {"text", "code", "integer", "number", "percent", "change", "share", "interval", "size"}
        How cells are written: ``share`` is a percentage with a bar, of a value in [0, 1];
        ``interval`` takes a pair (low, high); ``size`` is in bytes. Numbers are aligned right. A
        cell that is a text already is left as it is.
    digits : int, optional
        Significant digits, 3 by default; for ``percent`` and ``share`` decimals, 1 by default.
    """

    title: str
    kind: Kind = "text"
    digits: int | None = None

    @property
    def places(self) -> int:
        """The digits, or their default."""
        default = 1 if self.kind in ("percent", "share") else 3
        return default if self.digits is None else self.digits

    @property
    def numeric(self) -> bool:
        """Whether the cells are aligned right."""
        return self.kind not in ("text", "code")


@dataclass(frozen=True)
class Cell:
    """A table's cell with a status."""

    value: object
    status: Status | None = None


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes
    ----------
    columns : tuple of Column
        A text is accepted for a text column.
    rows : tuple of tuple of object
        Scalars or `Cell`; shape (n_rows, n_columns).
    caption : str
        What the table shows; read by screen readers first.
    sortable : bool
        Whether a click on a heading sorts by it.

    Raises
    ------
    ValueError
        If a row hasn't as many cells as there are columns.
    """

    columns: Sequence[str | Column]
    rows: Sequence[Sequence[object]]
    caption: str = ""
    sortable: bool = False

    def __post_init__(self) -> None:
        columns = tuple(Column(c) if isinstance(c, str) else c for c in self.columns)
        rows = tuple(tuple(row) for row in self.rows)
        for index, row in enumerate(rows):
            if len(row) != len(columns):
                raise ValueError(f"row {index} has {len(row)} cells for {len(columns)} columns")
        object.__setattr__(self, "columns", columns)
        object.__setattr__(self, "rows", rows)

    @property
    def heads(self) -> tuple[Column, ...]:
        """The columns, each a `Column`."""
        return tuple(column for column in self.columns if isinstance(column, Column))


@dataclass(frozen=True)
class Chart:
    """A picture: a Vega-Lite chart, drawn when the page is opened.

    `fivefold.report.charts` builds the usual ones.

    Attributes
    ----------
    spec : mapping
        A Vega-Lite specification with its data inside, or an Altair chart, which is turned into
        one.
    title : str
        The heading above it.
    caption : str
        What to see in it, below it.
    alt : str
        What it shows, for who can't see it; the title and the caption if empty.
    width : {"full", "half", "third"}
        Neighbouring charts that are not full stand side by side where there is room.
    numbers : mapping of str to str
        The fields of the chart's first data set that a reader may unfold as a table, and their
        headings; none if empty.
    facts : sequence of (str, str)
        A few figures below it: labels and values.
    """

    spec: Any
    title: str = ""
    caption: str = ""
    alt: str = ""
    width: Width = "full"
    numbers: Mapping[str, str] = field(default_factory=dict)
    facts: Sequence[tuple[str, str]] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "spec", plain_spec(self.spec))

    @property
    def label(self) -> str:
        """The text that stands for the picture."""
        return self.alt or ". ".join(part for part in (self.title, self.caption) if part)


@dataclass(frozen=True)
class Picture:
    """A picture that is there already.

    Attributes
    ----------
    data : bytes
        Its file, which goes into the page.
    media_type : str
        One of `MEDIA_TYPES`.
    title, caption, alt, width
        As a `Chart` has them.

    Raises
    ------
    ValueError
        If the media type isn't one that every browser shows.
    """

    data: bytes
    media_type: str
    title: str = ""
    caption: str = ""
    alt: str = ""
    width: Width = "full"

    def __post_init__(self) -> None:
        if self.media_type not in MEDIA_TYPES:
            raise ValueError(f"not a picture that browsers show: {self.media_type}")

    @property
    def source(self) -> str:
        """The picture as an address that holds it."""
        return f"data:{self.media_type};base64,{base64.b64encode(self.data).decode()}"

    @property
    def label(self) -> str:
        """The text that stands for the picture."""
        return self.alt or ". ".join(part for part in (self.title, self.caption) if part)


MEDIA_TYPES = ("image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml")
"""An SVG in an image runs no script and makes no request."""

Block = Text | Alert | Facts | Table | Chart | Picture


@dataclass(frozen=True)
class Section:
    """A part of a page under a heading.

    Attributes
    ----------
    title : str
        The heading; its words make the anchor.
    blocks : tuple of Block
        What it holds, in order.
    note : str, optional
        Markdown: one quiet sentence below the heading.
    filter : str
        Names what can be typed to see some of the section's charts and rows only: those whose
        title or first cell holds it. None if empty.
    """

    title: str
    blocks: Sequence[Block] = ()
    note: str | None = None
    filter: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "blocks", tuple(self.blocks))


@dataclass(frozen=True)
class Page:
    """A page.

    Attributes
    ----------
    title : str
        Its name.
    lead : str
        One sentence: what a reader should know if they read nothing else.
    sections : tuple of Section
        What it holds, in order.
    kicker : str
        A few words above the title: the project, the phase.
    """

    title: str
    lead: str
    sections: Sequence[Section] = ()
    kicker: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "sections", tuple(self.sections))
