"""axe-core's rules on every kind of page, light and dark, wide and narrow."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .test_diff import html  # noqa: F401  a fixture
from .test_site import out, repository  # noqa: F401  fixtures

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_AXE = Path(__file__).parents[1] / "forge/node_modules/axe-core/axe.min.js"
_HINT = "axe-core is missing; install it: npm ci --ignore-scripts --prefix tests/forge"


@pytest.fixture(scope="session")
def axe() -> str:
    if not _AXE.is_file():
        if os.environ.get("CI"):
            pytest.fail(_HINT)
        pytest.skip(_HINT)
    return _AXE.read_text(encoding="utf-8")


def violations(page: Any, axe: str) -> list[str]:
    page.evaluate(axe)
    # What a committed report holds is its author's; the site frames it.
    found = page.evaluate("axe.run(document, {iframes: false, resultTypes: ['violations']})")
    return [
        f"{rule['id']}: {node['target']} {node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_kind_of_page_keeps_the_rules(
    chromium: Browser,
    out: Path,  # noqa: F811
    axe: str,
    scheme: Any,
    width: int,
) -> None:
    runs = sorted(path.stem for path in (out / "runs").iterdir())
    report = next((out / "reports").iterdir()).stem
    # The site's policy allows no script but its own.
    context = chromium.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True
    )
    page = context.new_page()
    found = {}
    for name, drawn in (
        ("index.html", "main h2"),
        ("board-plan.html", "#scatter[data-drawn] svg"),
        ("history.html", "#history[data-drawn] svg"),
        (f"compare.html#a={runs[0]}&b={runs[1]}", "#verdict"),
        (f"runs/{runs[0]}.html", "html[data-charts=drawn] figure svg"),
        (f"report.html#{report}", "iframe"),
    ):
        file, _, fragment = name.partition("#")
        page.goto((out / file).as_uri() + (f"#{fragment}" if fragment else ""))
        page.wait_for_selector(drawn)
        for summary in page.locator("details > summary").all():
            summary.click()
        found[name] = violations(page, axe)
    context.close()
    assert {name: told for name, told in found.items() if told} == {}


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_of_a_diff_keeps_the_rules(
    chromium: Browser,
    html: str,  # noqa: F811
    axe: str,
    tmp_path: Path,
    scheme: Any,
    width: int,
) -> None:
    path = tmp_path / "diff.html"
    path.write_text(html, encoding="utf-8")
    context = chromium.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True
    )
    page = context.new_page()
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-charts=drawn]")
    for summary in page.locator("details > summary").all():
        summary.click()
    found = violations(page, axe)
    context.close()
    assert found == []


def test_what_breaks_the_rules_is_found(
    chromium: Browser,
    out: Path,  # noqa: F811
    axe: str,
    tmp_path: Path,
) -> None:
    """The check itself can fail."""
    made = tmp_path / "site"
    shutil.copytree(out, made)
    index = made / "index.html"
    text = index.read_text(encoding="utf-8")
    index.write_text(text.replace("</main>", "<img src=x><input></main>"), encoding="utf-8")
    context = chromium.new_context(bypass_csp=True)
    page = context.new_page()
    page.goto(index.as_uri())
    rules = {told.partition(":")[0] for told in violations(page, axe)}
    context.close()
    assert {"image-alt", "label"} <= rules, json.dumps(sorted(rules))
