"""The page of a table in a real browser: drawn by the rules, sorted, filtered."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

from fivefold.data.explore import ExploreConfig, explore
from fivefold.objective import Objective
from fivefold.report import render_html
from fivefold.table import Column, TableSchema, from_arrow

from .test_accessibility import axe, violations  # noqa: F401  axe is a fixture

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_ROWS = 400


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    draw = np.random.default_rng(0)
    normal = draw.normal(size=_ROWS).tolist()
    table = pa.table(
        {
            "id": list(range(_ROWS)),
            "late": [int(value + draw.normal() > 0) for value in normal],
            "wind & <b>rain</b>": [None if n % 7 == 0 else v for n, v in enumerate(normal)],
            "gust": [None if n % 7 == 0 else v * 2 + draw.random() for n, v in enumerate(normal)],
            "count": [int(draw.integers(4)) for _ in range(_ROWS)],
            "carrier": [str(draw.choice(["UA", "DL", "<script>"])) for _ in range(_ROWS)],
            "day": pa.array([n // 4 for n in range(_ROWS)], pa.int32()).cast(pa.date32()),
        }
    )
    columns = {name: Column("number", nullable=True) for name in table.column_names}
    columns["id"] = Column("integer", "identifier")
    columns["late"] = Column("integer", "target")
    columns["count"], columns["carrier"] = Column("integer"), Column("string")
    columns["day"] = Column("date", "time")
    explored = explore(
        from_arrow(table, "polars"),
        from_arrow(table.slice(0, 0), "polars"),
        TableSchema(columns),
        Objective("demo", "binary", "late", "roc_auc", ("roc_auc",)),
        ExploreConfig(key=["id"], split={"key": ["id"], "method": "random", "test": 0.4}),
    )
    made = tmp_path_factory.mktemp("exploration") / "explore.html"
    made.write_text(render_html(explored.page), encoding="utf-8")
    return made


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_the_page_keeps_the_rules(
    chromium: Browser,
    path: Path,
    axe: str,  # noqa: F811
    scheme: Any,
    width: int,
) -> None:
    context = chromium.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True
    )
    page = context.new_page()
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-charts=drawn]")
    for summary in page.locator("details > summary").all():
        summary.click()
    found = violations(page, axe)
    # A table may be wider than a telephone; it scrolls by itself, and the page does not.
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    context.close()
    assert found == []
    assert wide <= 0


def test_columns_are_sorted_and_filtered(page: Page, path: Path) -> None:
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-charts=drawn]")
    table = page.locator("section[aria-labelledby=columns] table")
    missing = table.locator("thead button", has_text="missing")
    missing.click()
    names = table.locator("tbody tr td:first-child")
    assert table.locator("th[aria-sort=descending]").inner_text() == "missing"
    assert set(names.all_inner_texts()[:2]) == {"wind & <b>rain</b>", "gust"}
    table.locator("thead button", has_text="association").click()
    # What has none comes last, whichever way.
    table.locator("thead button", has_text="association").click()
    assert set(names.all_inner_texts()[-2:]) == {"id", "late"}
    box = page.get_by_label("Features by name")
    box.fill("GUS")
    shown = page.locator("section[aria-labelledby=features] figure:visible h3")
    assert shown.all_inner_texts() == ["gust"]
    box.fill("")
    assert shown.count() == 4
