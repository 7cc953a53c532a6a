"""The site as files: the same bytes, written whole, safe for what it overwrites."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fivefold.cli import app
from fivefold.errors import HistoryError, OutputError
from fivefold.history.reader import Reader
from fivefold.history.site.gather import CommittedRepository, Site, gather
from fivefold.history.site.write import MARKER, write
from tests.history.conftest import Project


def site(project: Project, **options: object) -> Site:
    return gather(Reader(CommittedRepository(project.path)), everything=True, **options)  # type: ignore[arg-type]


def files(out: Path) -> dict[str, bytes]:
    found = (path for path in out.rglob("*") if path.is_file())
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in found}


def runs(out: Path) -> list[dict[str, object]]:
    text = (out / "data" / "runs.js").read_text()
    found: list[dict[str, object]] = json.loads(text[len("window.FIVEFOLD=") : -2])["runs"]
    return found


def test_the_same_commit_gives_the_same_bytes(flights: Project, tmp_path: Path) -> None:
    write(site(flights), tmp_path / "one")
    # What isn't committed is no part of the site.
    flights.edit("params.yaml", "depth: 3", "depth: 9")
    write(site(flights), tmp_path / "two")
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_every_run_is_listed_and_has_its_page(flights: Project, tmp_path: Path) -> None:
    made = write(site(flights), tmp_path / "out")
    assert (made.runs, made.pages) == (3, 3)
    found = runs(tmp_path / "out")
    assert {run["subject"] for run in found} == {
        "Start with a logistic regression",
        "Try a forest",
        "Go deeper",
    }
    for run in found:
        text = (tmp_path / "out" / "runs" / f"{run['id']}.html").read_text()
        assert str(run["subject"]) in text
        assert "data/clean.csv" in text


def test_links_and_scripts_lead_to_files_of_the_site(flights: Project, tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(site(flights), out)
    for page in out.rglob("*.html"):
        for target in re.findall(r'(?:href|src)="([^"#]+)', page.read_text()):
            assert (page.parent / target).resolve().is_file(), (page.name, target)


def test_top_limits_the_pages(flights: Project, tmp_path: Path) -> None:
    made = write(site(flights, top=1), tmp_path / "out")
    assert (made.runs, made.pages) == (3, 1)
    assert len(list((tmp_path / "out" / "runs").iterdir())) == 1
    assert len(runs(tmp_path / "out")) == 3


def test_reports_are_written_once_or_left_out(flights: Project, tmp_path: Path) -> None:
    flights.write("reports/a.html", "<p>same</p>\n")
    flights.write("reports/b.html", "<p>same</p>\n")
    flights.edit("params.yaml", "depth: 3", "depth: 4")
    flights.commit("Report")
    assert write(site(flights), tmp_path / "one").reports == 1
    assert write(site(flights), tmp_path / "two", reports=False).reports == 0
    assert not (tmp_path / "two" / "reports").exists()
    assert not any("report.html#" in p.read_text() for p in (tmp_path / "two").rglob("*.html"))


def test_only_a_site_is_overwritten(flights: Project, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.txt").write_text("mine")
    with pytest.raises(OutputError, match="isn't a site"):
        write(site(flights), out)
    assert files(out) == {"thesis.txt": b"mine"}
    write(site(flights), tmp_path / "new")
    (tmp_path / "new" / "old.html").write_text("old")
    write(site(flights), tmp_path / "new")
    assert not (tmp_path / "new" / "old.html").exists()
    assert (tmp_path / "new" / MARKER).is_file()
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def test_a_plain_repository_with_a_broken_commit(
    new_project: Callable[..., Project], tmp_path: Path
) -> None:
    project = new_project("plain")
    project.write(
        "dvc.yaml",
        """
        stages:
          train:
            cmd: echo
            metrics:
              - metrics.json: {cache: false}
        """,
    )
    for text in ('{"accuracy": 0.8}', '{"accuracy": ', '{"accuracy": 0.9}'):
        project.write("metrics.json", text)
        project.commit("Metrics")
    out = tmp_path / "out"
    write(site(project), out)
    board = (out / "board-plan.html").read_text()
    assert "not ranked: metrics.json" in board
    assert len(runs(out)) == 3


def test_what_the_repository_says_is_text(flights: Project, tmp_path: Path) -> None:
    hostile = "</script><img src=x onerror=alert(1)>"
    flights.edit("params.yaml", "name: demo", f'name: "{hostile}"')
    flights.edit("params.yaml", "depth: 3", "depth: 4")
    flights.git("switch", "--quiet", "--create", "<img/src=x/onerror=alert(1)>")
    flights.commit(hostile)
    write(site(flights), tmp_path / "out")
    for name, content in files(tmp_path / "out").items():
        if name.endswith(".html") or name == "data/runs.js":
            assert b"<img" not in content, name


def test_the_command_says_what_it_wrote(
    flights: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(flights.path)
    done = CliRunner().invoke(app, ["site", str(tmp_path / "out"), "--all", "--top", "2"])
    assert done.exit_code == 0, done.output
    assert "3 runs" in done.output
    assert "1 run without a page" in done.output


def test_no_run_is_an_error(new_project: Callable[..., Project]) -> None:
    project = new_project("empty")
    project.commit("Start")
    with pytest.raises(HistoryError, match="nothing to show"):
        site(project)
