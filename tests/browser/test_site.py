"""The site in a real browser: sorted, filtered, opened, compared by clicking."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from fivefold.history.diff.compare import compare
from fivefold.history.reader import Reader
from fivefold.history.site.gather import CommittedRepository, gather
from fivefold.history.site.write import write

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

HOSTILE = "<img src=x onerror=window.broken=1>"
PIPELINE = """\
stages:
  train:
    cmd: python train.py
    params: [train]
    metrics:
      - metrics/evaluate.json: {cache: false}
    plots:
      - plots/loss.csv: {cache: false, x: step}
"""


def params(model: str, depth: int) -> str:
    return f"""\
plan:
  name: demo
  problem: "{HOSTILE}"
  primary_metric: roc_auc
  metrics: [log_loss]
  thresholds: {{acceptable: 0.6, excellent: 0.9}}
train: {{model: {model}, depth: {depth}, note: "</script><script>window.broken=1</script>"}}
"""


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("site") / "demo"
    root.mkdir()
    clock = 1_700_000_000

    def git(*arguments: str) -> None:
        date = f"{clock} +0000"
        environment = {**os.environ, "GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
        subprocess.run(["git", *arguments], cwd=root, check=True, env=environment)

    def put(path: str, text: str) -> None:
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_text(text)

    git("init", "--quiet", "--initial-branch=main")
    (root / ".dvc").mkdir()
    put(".dvc/config", "")
    put("dvc.yaml", PIPELINE)
    for number, (model, auc) in enumerate([("logistic", 0.65), ("forest", 0.7), ("tree", 0.58)]):
        clock += 3600
        if model == "tree":
            git("switch", "--quiet", "--create", "tree")
        put("params.yaml", params(model, 3 + number))
        ends = {"roc_auc": {"low": auc - 0.01, "high": auc + 0.01}}
        values: dict[str, Any] = {"roc_auc": auc, "log_loss": 1 - auc, "interval": ends}
        put("metrics/evaluate.json", json.dumps(values))
        put("plots/loss.csv", f"step,loss\n0,1\n1,{auc}\n2,{auc / 2}\n")
        put("reports/page.html", f"<p>{model}</p><script>parent.document.title='broken'</script>")
        git("add", "--all")
        git("commit", "--quiet", "--message", f"Try {model} {HOSTILE}")
    return root


@pytest.fixture(scope="module")
def out(repository: Path) -> Path:
    out = repository.parent / "out"
    write(gather(Reader(CommittedRepository(repository)), everything=True), out)
    return out


def shown(page: Page) -> list[str]:
    return page.locator("#board tr[data-run]:visible th").all_text_contents()


def models(page: Page) -> list[str]:
    return [text.split("Try ")[1].split(" ")[0] for text in shown(page)]


def open_board(page: Page, out: Path) -> None:
    page.goto((out / "board-plan.html").as_uri())
    page.wait_for_selector("#scatter[data-drawn] svg")


def test_headings_sort_by_click_and_by_keyboard(page: Page, out: Path) -> None:
    open_board(page, out)
    assert models(page) == ["forest", "logistic", "tree"]
    heading = page.get_by_role("button", name="roc_auc", exact=True)
    heading.click()
    assert models(page) == ["tree", "logistic", "forest"]
    cell = page.locator("#board th[aria-sort]")
    assert cell.get_attribute("aria-sort") == "ascending"
    heading.focus()
    page.keyboard.press("Enter")
    assert models(page) == ["forest", "logistic", "tree"]
    assert cell.get_attribute("aria-sort") == "descending"
    assert cell.count() == 1


def test_filters_by_text_and_by_a_column(page: Page, out: Path) -> None:
    open_board(page, out)
    page.fill("#filter", "forest")
    assert models(page) == ["forest"]
    assert page.text_content("#count") == "1 of 3 rows"
    page.get_by_role("button", name="Clear").click()
    page.wait_for_function("document.querySelector('#count').textContent === '3 rows'")
    page.select_option("#column", label="roc_auc")
    page.fill("#needle", "> 0.6")
    assert models(page) == ["forest", "logistic"]


def test_axes_are_chosen_and_brushed(page: Page, out: Path) -> None:
    open_board(page, out)
    assert page.locator("#parallel path.run").count() == 3
    before = page.locator("#parallel .axis").count()
    page.locator("#axes label", has_text="log_loss").locator("input").check()
    assert page.locator("#parallel .axis").count() == before + 1
    page.locator('#parallel .axis[data-key="metric: roc_auc"]').focus()
    for _ in range(5):
        page.keyboard.press("Shift+ArrowDown")
    # The upper end came down below the best, so the axis keeps the worse ones.
    assert models(page) == ["logistic", "tree"]
    page.keyboard.press("Escape")
    assert len(models(page)) == 3
    hit = page.locator('#parallel .axis[data-key="metric: roc_auc"] .hit')
    hit.hover(position={"x": 14, "y": 2})  # waits until the rows that came back moved nothing more
    box = hit.bounding_box()
    assert box is not None
    page.mouse.down()
    page.mouse.move(box["x"] + 14, box["y"] + 40)
    page.mouse.up()
    assert models(page) == ["forest"]


def test_the_scatter_takes_the_chosen_axes(page: Page, out: Path) -> None:
    open_board(page, out)
    page.select_option("#across", label="train.depth")
    page.wait_for_function("document.querySelector('#scatter').textContent.includes('train.depth')")
    assert page.locator("#scatter .mark-symbol.role-mark path").count() == 3


def test_a_run_opens_and_shows_all_of_it(page: Page, out: Path) -> None:
    open_board(page, out)
    page.locator("#board a.run", has_text="Try forest").click()
    page.wait_for_selector("html[data-charts=drawn]")
    headings = page.locator("h2").all_text_contents()
    assert {"In short", "Charter", "Evaluation", "Params", "Commit"} <= set(headings)
    assert HOSTILE in (page.text_content("h1") or "")
    assert page.locator("main img").count() == 0
    assert page.locator("figure svg").count() == 1
    assert "0.7" in (page.text_content("#summary ~ .facts") or "")


def test_two_chosen_runs_are_compared_as_the_command_compares(
    page: Page, out: Path, repository: Path
) -> None:
    open_board(page, out)
    link = page.locator("#compare")
    assert link.get_attribute("aria-disabled") == "true"
    for model in ("logistic", "tree"):
        page.locator("#board tr", has_text=f"Try {model}").locator("input").check()
    link.click()
    page.wait_for_selector("#verdict")
    assert "Worse: roc_auc 0.65 → 0.58" in (page.text_content("#verdict") or "")
    assert "not acceptable" in (page.text_content("#verdict") or "")
    rows = page.locator("section[aria-labelledby=metrics] tbody tr").all()
    judged = {r.locator("td").first.text_content(): r.locator(".word") for r in rows}
    reader = Reader(CommittedRepository(repository))
    resolve = reader.repository.resolve
    found = compare(reader, resolve("main~1"), resolve("tree"))
    assert judged.keys() == {change.name for change in found.metrics}
    for change in found.metrics:
        kinds = (judged[change.name].get_attribute("class") or "").split()
        assert kinds[-1] == change.judgement
    names = page.locator("section[aria-labelledby=params] tbody td:first-child")
    assert sorted(names.all_text_contents()) == sorted(change.name for change in found.params)
    gates = page.locator("section[aria-labelledby=gates] tbody tr").all()
    told = {r.locator("td").nth(0).inner_text(): r.locator("td").nth(3).inner_text() for r in gates}
    assert {name: word.split()[-1] for name, word in told.items()} == {
        gate.name: {"failed": "fails", "not reached": "reached"}.get(gate.state, gate.state)
        for gate in found.gates
    }
    assert told["regression.roc_auc"] == told["threshold.acceptable"] == "✕ fails"
    assert "roc_auc is worse beyond noise" in (page.text_content("#verdict") or "")
    page.get_by_role("button", name="Swap").click()
    assert "Better: roc_auc" in (page.text_content("#verdict") or "")


def test_a_plan_that_asks_for_less_and_results_of_no_run_fail(
    page: Page, out: Path, repository: Path, tmp_path: Path
) -> None:
    """The last run lowers its own bar, overspends, and its results are not its lock's."""
    root = tmp_path / "demo"
    shutil.copytree(repository, root)
    plan = yaml.safe_load((root / "params.yaml").read_text())
    plan["plan"]["thresholds"] = {"acceptable": 0.5}
    plan["plan"]["budget"] = {"compute_hours": 0.001}
    (root / "params.yaml").write_text(yaml.safe_dump(plan))
    (root / "metrics/profile.json").write_text('{"train": {"seconds": 60.0}}')
    with (root / "dvc.yaml").open("a") as pipeline:
        pipeline.write("metrics: [metrics/profile.json]\n")
    digest = "0" * 32
    out_of_lock = [{"path": "metrics/evaluate.json", "hash": "md5", "md5": digest, "size": 1}]
    stage = {"cmd": "python train.py", "params": {"params.yaml": {"train": plan["train"]}}}
    lock = {"schema": "2.0", "stages": {"train": {**stage, "outs": out_of_lock}}}
    (root / "dvc.lock").write_text(yaml.safe_dump(lock))
    for command in (["add", "--all"], ["commit", "--quiet", "--message", "Lower the bar"]):
        subprocess.run(["git", *command], cwd=root, check=True, env=dict(os.environ))
    made = tmp_path / "site"
    write(gather(Reader(CommittedRepository(root)), everything=True), made)
    reader = Reader(CommittedRepository(root))
    ends = [reader.repository.resolve(name) for name in ("HEAD~1", "HEAD")]
    found = {gate.name: gate for gate in compare(reader, *ends).gates}
    assert {name for name, gate in found.items() if gate.failed} == {
        "weakened.threshold.acceptable",
        "weakened.threshold.excellent",
        "budget.compute_hours",
        "integrity",
    }
    base, head = (str(end.commit.id) for end in ends if end.commit)
    page.goto(f"{(made / 'compare.html').as_uri()}#a={base}&b={head}")
    rows = page.locator("section[aria-labelledby=gates] tbody tr").all()
    told = {r.locator("td").nth(0).inner_text(): r.locator("td").nth(3).inner_text() for r in rows}
    assert told.keys() == found.keys()
    assert {n for n, word in told.items() if word == "✕ fails"} == {
        name for name, gate in found.items() if gate.failed
    }
    verdict = page.text_content("#verdict") or ""
    assert "the results are edited" in verdict
    assert "threshold.acceptable 0.6 → 0.5" in verdict
    assert "threshold.excellent 0.9 is dropped" in verdict


def test_a_metric_is_drawn_over_time_with_thresholds(page: Page, out: Path) -> None:
    page.goto((out / "history.html").as_uri())
    page.wait_for_selector("#history[data-drawn] svg")
    assert page.locator("#history .mark-symbol.role-mark path").count() == 3
    assert "acceptable" in (page.text_content("#history") or "")
    legend = page.locator("#history .role-legend")
    assert legend.locator(".role-legend-label text").all_text_contents() == ["main", "tree"]
    # One legend for colour and shape: neither alone tells branches apart for everybody.
    symbols = legend.locator(".role-legend-symbol path").all()
    assert len({symbol.get_attribute("d") for symbol in symbols}) == 2
    assert all((s.get_attribute("fill") or "").startswith("var(--series-") for s in symbols)
    assert page.locator("#numbers tbody tr").count() == 3
    page.select_option("#branch", label="tree")
    page.wait_for_function("document.querySelectorAll('#numbers tbody tr').length === 1")


def test_a_committed_report_is_cut_off(chromium: Browser, out: Path) -> None:
    report = next(iter(sorted((out / "reports").iterdir())))
    page = chromium.new_page()
    page.goto(f"{(out / 'report.html').as_uri()}#{report.stem}")
    frame = page.frame_locator("iframe")
    assert frame.locator("p").text_content() in ("logistic", "forest", "tree")
    assert page.get_attribute("iframe", "sandbox") == "allow-scripts"
    assert page.title() != "broken"
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_a_narrow_screen_in_either_scheme(
    chromium: Browser, out: Path, scheme: Any
) -> None:
    context = chromium.new_context(viewport={"width": 390, "height": 800}, color_scheme=scheme)
    page = context.new_page()
    run = next(iter((out / "runs").iterdir())).relative_to(out).as_posix()
    for name in ("index.html", "board-plan.html", "history.html", "compare.html", run):
        page.goto((out / name).as_uri())
        page.wait_for_load_state("networkidle")
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(wide) <= 0, name
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert paper == ("rgb(20, 24, 31)" if scheme == "dark" else "rgb(255, 255, 255)")
    context.close()
