from __future__ import annotations

import datetime
import math

import numpy as np
import pytest

from fivefold.report import format as form


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (0.67512, "0.675"),
        (0.9996, "1.00"),
        (9.996, "10.0"),
        (12345.6, "12,346"),
        (336776, "336,776"),
        (0.0, "0"),
        (-0.0, "0"),
        (1.234e-7, "1.23e-7"),
        (-2.5, "-2.50"),
        (1e20, "1.00e20"),
        (None, "\N{EN DASH}"),
        (math.nan, "\N{EN DASH}"),
        (-math.inf, "-inf"),
        (np.float32(0.5), "0.500"),
    ],
)
def test_number(given: float | None, text: str) -> None:
    assert form.number(given) == text


def test_a_number_refuses_what_is_none() -> None:
    with pytest.raises(TypeError, match="not a number"):
        form.number("0.5")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (0, "0%"),
        (1.0, "100%"),
        (0.2467, "24.7%"),
        (0.0004, "<0.1%"),
        (0.0005, "0.1%"),
        (0.9996, ">99.9%"),
        (1.5, "150.0%"),
        (-0.25, "-25.0%"),
        (-0.0001, ">-0.1%"),
    ],
)
def test_a_share_never_claims_none_or_all_of_some(given: float, text: str) -> None:
    assert form.percent(given) == text


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (0.66931, 0.68112, "0.669 to 0.681"),
        (0.67501, 0.67504, "0.67501 to 0.67504"),
        (0.5, 0.5, "0.500 to 0.500"),
        (-1.0, 250.0, "-1 to 250"),
        (None, math.nan, "\N{EN DASH}"),
        (0.0, math.inf, "0 to inf"),
    ],
)
def test_both_ends_of_an_interval_have_the_same_decimals(
    low: float | None, high: float | None, text: str
) -> None:
    assert form.interval(low, high) == text


def test_an_estimate_has_the_decimals_of_its_interval() -> None:
    assert form.estimate(0.675, 0.6712, 0.6791) == "0.675 [0.671, 0.679]"
    assert form.estimate(0.675, None, None) == "0.675"


def test_a_change_shows_its_sign() -> None:
    assert [form.change(x) for x in (0.0123, -0.0123, 0.0)] == ["+0.012", "-0.012", "0"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0123, "12 ms"), (0.9996, "1.0 s"), (59.97, "1 min 0 s"), (3600, "1 h 0 min")],
)
def test_duration(seconds: float, text: str) -> None:
    assert form.duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_960, "1.0 MB"), (2.5e15, "2,500.0 TB")],
)
def test_size(count: float, text: str) -> None:
    assert form.size(count) == text


def test_plural() -> None:
    assert form.plural(1, "category", "categories") == "1 category"
    assert form.plural(0, "category", "categories") == "0 categories"


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (True, "yes"),
        (np.bool_(False), "no"),
        (np.int64(1234), "1,234"),
        (datetime.datetime(2013, 1, 2, 3, 4), "2013-01-02 03:04:00"),
        (datetime.date(2013, 1, 2), "2013-01-02"),
        ("a", "a"),
        (None, "\N{EN DASH}"),
    ],
)
def test_value_writes_any_scalar(given: object, text: str) -> None:
    assert form.value(given) == text


@pytest.mark.parametrize("name", ["a", "`", "a``b", "`a`", "", " x\ny ", "|"])
def test_nothing_in_a_verbatim_name_ends_its_span(name: str) -> None:
    from markdown_it import MarkdownIt

    tokens = MarkdownIt("commonmark").parseInline(form.verbatim(name))[0].children or []
    assert [token.type for token in tokens] == ["code_inline"]
    assert tokens[0].content == (" ".join(name.split()) or "\N{EN DASH}")
