"""Tables and lines as a terminal shows them."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from fivefold.history.tables import Column, Table, Text
from fivefold.history.terminal import draw

TABLE = Table(
    (Column("rank", number=True), Column("subject", shrinks=True), Column("note", spare=1)),
    [["1", "Try a forest of a thousand trees", "good"], ["2", "森林を試す", "better"]],
    ["better", ""],
    "Runs",
)


@pytest.fixture(autouse=True)
def _pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FORCE_COLOR", "NO_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")


def test_a_pipe_gets_whole_cells_and_no_styles() -> None:
    assert draw([Text("Better", "bold"), TABLE]).splitlines() == [
        "Better",
        "",
        "Runs",
        "rank   subject                            note",
        "─" * 48,
        "   1   Try a forest of a thousand trees   good",
        "   2   森林を試す                         better",
    ]


@pytest.mark.parametrize("width", [80, 40, 30, 16])
def test_no_line_is_wider_than_the_terminal(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    lines = draw([TABLE]).splitlines()[2:6]
    assert max(map(cell_len, lines)) <= width
    assert ("…" in lines[2]) == (width < 80)
    assert ("note" in lines[0]) == (width > 30)


def test_columns_stand_under_one_another_whatever_their_letters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A letter of two cells takes two, also where it is cut."""
    monkeypatch.setenv("COLUMNS", "60")
    table = Table((Column("a", shrinks=True), Column("b")), [["森" * 80, "x"], ["é" * 80, "x"]])
    lines = draw([table]).splitlines()[2:]
    assert [cell_len(line) for line in lines] == [60, 60]
    assert [line.split("…")[1] for line in lines] == ["   x"] * 2


def test_a_terminal_gets_styles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    lines = draw([TABLE, Text("Quiet", "dim")]).splitlines()
    assert lines[1] == "\x1b[1mRuns\x1b[0m"
    assert lines[4].startswith("\x1b[32m   1")
    assert lines[4].endswith("\x1b[0m")
    assert "\x1b" not in lines[5]
    assert lines[-1] == "\x1b[2mQuiet\x1b[0m"


def test_no_colour_is_asked_for_or_nothing_is_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[32m" not in draw([TABLE])
    assert "\x1b[1m" in draw([TABLE])
    monkeypatch.setenv("TERM", "dumb")
    assert "\x1b" not in draw([TABLE])


def test_what_would_steer_a_terminal_is_a_space() -> None:
    table = Table((Column("a\x1b[2J"),), [["red \x1b[31m\u202eevil\nline"]])
    drawn = draw([Text("one\rtwo"), table])
    assert "one two" in drawn
    assert "red  [31m evil line" in drawn.replace("   ", "  ")
    assert not set(drawn) & {"\x1b", "\r", "\u202e"}


def test_a_table_without_rows_is_not_drawn() -> None:
    assert draw([Text("None"), Table((Column("a"),), [], title="Rows")]) == "None"
