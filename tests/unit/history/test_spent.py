"""What stages used, as tables and pictures; files that hold something else break nothing."""

from __future__ import annotations

from typing import Any

import pytest

from fivefold.history.spent import Spent, figures_tables, timelines
from fivefold.history.spent_page import page
from fivefold.report import Chart, Table, render_html

LINE: dict[str, Any] = {
    "stage": "train",
    "step": 0.2,
    "series": {
        "memory_mb": [100, 120, 140, 140, 130],
        "processes": [1, 3, 3, 3, 1],
        "cpu_cores": [1, 2, 2, 2, 1],
        "machine_cores": [1, 2, 2],
        "disk_read_mb": [0, 0.001, 0, 0, 0],
        "gpu0_use": [0, 1, 1, 1, 0],
        "gpu1_use": [0, 0.5, 0.5, 0.5, 0],
    },
    "machine": {"mean_use": [0.5, 1.0], "peak_use": [1.0, 1.0]},
}
FIGURES: dict[str, dict[str, Any]] = {
    "plan": {"seconds": 1.0, "peak_memory_mb": 50.0, "energy_wh": 0.001},
    "train": {
        "seconds": 3.0,
        "peak_memory_mb": 140.0,
        "energy_wh": 0.003,
        "cost": 0.5,
        "gpus": {"0": {"name": "A100", "mean_use": 0.7, "energy_wh": 2.0}},
        "parts": {
            "candidates": {"forest": {"fit_seconds": 2.0}, "tree": {"fit_seconds": 0.1}},
            "trials": [{"seconds": 1.0}, {"seconds": 2.0}],
            "rounds": 7,
        },
    },
}


def spent(**changed: Any) -> Spent:
    given: dict[str, Any] = {
        "figures": FIGURES,
        "timelines": {"train": LINE},
        "profile": {"country": "FRA"},
        "currency": "EUR",
    }
    return Spent(**(given | changed))


def tables(blocks: Any) -> list[Table]:
    return [block for block in blocks if isinstance(block, Table)]


def test_tables_end_in_totals_and_leave_empty_columns_out() -> None:
    time, money = tables(figures_tables(FIGURES, "EUR"))
    assert [head.title for head in time.heads] == ["stage", "time, s", "peak"]
    assert time.rows[-1] == ("all stages", 4.0, 140e6)
    assert [head.title for head in money.heads] == ["stage", "energy, Wh", "cost, EUR"]
    assert money.rows[-1] == ("all stages", pytest.approx(0.004), 0.5)
    assert figures_tables({}) == []


def test_a_stage_is_drawn_over_time() -> None:
    (section,) = timelines(spent())
    titles = [block.title for block in section.blocks if isinstance(block, Chart)]
    assert titles == ["Processors that are busy", "Memory, MB", "Processes", "Cards: use"]
    captions = [table.caption for table in tables(section.blocks)]
    assert captions == [
        "Each of the machine's processors, whoever used it",
        "Each card of the machine, whoever used it",
    ]


def test_only_the_longest_are_drawn_in_the_pipelines_order() -> None:
    lines = {name: {**LINE, "step": step} for name, step in (("a", 1), ("b", 0.1), ("c", 2))}
    assert [part.title for part in timelines(spent(timelines=lines), 2)] == ["a", "c"]


@pytest.mark.parametrize(
    "line",
    [
        {},
        {"series": [], "step": 1},
        {"series": {"memory_mb": [1, 2, 3, 4]}, "step": "x"},
        {"series": {"memory_mb": [1, 2]}, "step": 1},
    ],
)
def test_a_line_of_another_shape_is_not_drawn(line: dict[str, Any]) -> None:
    assert timelines(spent(timelines={"train": line})) == []


def test_the_page_says_how_it_was_reckoned_and_shows_the_parts() -> None:
    drawn = page(spent(), "flights", "HEAD")
    html = render_html(drawn)
    assert "All stages took 4.0 s, the longest of them train" in html
    assert "country: FRA" in html
    assert "codecarbon" in html
    (inside,) = [part for part in drawn.sections if part.title == "Inside the stages"]
    assert [table.caption for table in tables(inside.blocks)] == [
        "train",
        "train: candidates",
        "train: trials",
    ]


def test_a_page_of_nothing_says_so() -> None:
    assert "Nothing is recorded" in render_html(page(spent(figures={}), "x", "HEAD"))
