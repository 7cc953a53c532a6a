"""A page as one HTML file that needs nothing else: no network, no other file."""

from __future__ import annotations

import base64
import functools
import hashlib
import itertools
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, SupportsFloat

from fivefold.report import format as form
from fivefold.report.bundle import javascript
from fivefold.report.cells import written
from fivefold.report.page import Alert, Block, Chart, Facts, Page, Picture, Table, Text
from fivefold.report.spec import to_json
from fivefold.report.theme import CONFIG

if TYPE_CHECKING:
    import jinja2
    import markdown_it

__all__ = ["asset", "environment", "render_blocks", "render_html"]

_ASSETS = Path(__file__).parent / "assets"
_SIGNS = {"good": "✓", "warn": "!", "bad": "✕", "info": "i"}
_SPOKEN = {"good": "good", "warn": "warning", "bad": "bad", "info": "note"}


def render_html(page: Page) -> str:
    """Write a page as one self-contained HTML document.

    The same page gives the same text in any process. The document's content security policy
    allows its own scripts, by their hashes, and no request at all.

    Parameters
    ----------
    page : Page
        What to show.

    Returns
    -------
    str
        To be written as UTF-8. About 10 kB without charts, 0.9 MB with (Vega is inside).
    """
    sections = [
        {
            "id": anchor,
            "title": section.title,
            "note": _markdown(section.note) if section.note else "",
            "filter": section.filter,
            "groups": list(_grouped(section.blocks)),
        }
        for section, anchor in zip(page.sections, _anchors(page), strict=True)
    ]
    charts = [block for s in page.sections for block in s.blocks if isinstance(block, Chart)]
    scripts = [javascript(), asset("page.js")] if charts else []
    text: str = (
        environment()
        .get_template("page.html.j2")
        .render(
            page=page,
            sections=sections,
            style=asset("page.css"),
            scripts=scripts,
            policy=_policy(scripts),
            config=to_json(CONFIG),
        )
    )
    return text


def _policy(scripts: Iterable[str]) -> str:
    """Write the content security policy: whatever slipped into the page could not run or call."""
    digests = (hashlib.sha256(script.encode()).digest() for script in scripts)
    allowed = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {allowed or chr(39) + 'none' + chr(39)}; "
        "style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    )


def render_blocks(blocks: Iterable[Block], title: str) -> str:
    """Write blocks as they stand under a heading, for a page that is put together elsewhere.

    That page links or holds ``page.css``, and where there are charts `bundle.javascript`, then
    ``page.js``, and the theme's configuration as JSON in an element with the id ``config``.

    Parameters
    ----------
    blocks : iterable of Block
    title : str
        The heading, which names a table that has no caption.
    """
    template = environment().get_template("blocks.html.j2")
    text: str = template.render(groups=list(_grouped(blocks)), title=title)
    return text


@functools.cache
def asset(name: str) -> str:
    """Give a style sheet, script or template of the pages."""
    return (_ASSETS / name).read_text(encoding="utf-8")


@functools.cache
def environment() -> jinja2.Environment:
    """Give the templates' environment, which escapes whatever it is given."""
    # Imported here: the package is imported by commands that draw nothing.
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(asset),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters.update(
        cells=written, json=to_json, markdown=_markdown, minus=_minus, scalar=_typeset
    )
    environment.globals.update(signs=_SIGNS, spoken=_SPOKEN)
    return environment


@functools.cache
def _parser() -> markdown_it.MarkdownIt:
    import markdown_it

    # No raw HTML, and no pictures: a page makes no request.
    parser = markdown_it.MarkdownIt("commonmark", {"html": False}).disable("image")
    return parser.enable("table")


def _markdown(text: str) -> Any:
    import markupsafe

    # The parser escapes all text and writes no attribute but a checked link.
    return markupsafe.Markup(_parser().render(text).strip())  # noqa: S704


def _minus(text: str) -> str:
    """Write a number with the minus sign of typesetters."""
    return text.replace("-", "\N{MINUS SIGN}")


def _typeset(value: object) -> str:
    """Write a scalar, with `_minus` where it is a number."""
    text = form.value(value)
    return _minus(text) if isinstance(value, SupportsFloat) else text


def _grouped(blocks: Iterable[Block]) -> Iterable[dict[str, Any]]:
    """Put neighbouring charts and pictures of one width together, and name every block's kind."""

    def key(block: Block) -> str:
        return block.width if isinstance(block, Chart | Picture) else ""

    names = {Text: "text", Alert: "alert", Facts: "facts", Table: "table"}
    for width, group in itertools.groupby(blocks, key):
        if width:
            yield {"kind": "charts", "width": width, "charts": list(group)}
        else:
            yield from ({"kind": names[type(block)], "block": block} for block in group)


def _anchors(page: Page) -> list[str]:
    """Make each section's anchor of its title, once."""
    taken: dict[str, int] = {}
    anchors = []
    for section in page.sections:
        plain = unicodedata.normalize("NFKD", section.title).encode("ascii", "ignore").decode()
        stem = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-") or "section"
        taken[stem] = taken.get(stem, 0) + 1
        anchors.append(stem if taken[stem] == 1 else f"{stem}-{taken[stem]}")
    return anchors
