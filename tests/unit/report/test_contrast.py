from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest

import fivefold.report

STYLE = (Path(fivefold.report.__file__).parent / "assets" / "page.css").read_text()


def colours(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))


LIGHT, DARK = (colours(block) for block in re.findall(r":root \{(.*?)\n\s*\}", STYLE, re.DOTALL))


def luminance(colour: str) -> float:
    """Relative luminance by WCAG 2.2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    dark, light = sorted(map(luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def test_dark_has_every_colour_of_light() -> None:
    assert set(DARK) == set(LIGHT)


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("name", ["ink", "muted", "link", "good", "warn", "bad", "info"])
def test_text_is_read_on_either_ground(scheme: dict[str, str], name: str) -> None:
    """WCAG 2.2, 1.4.3: 4.5 to 1; the signs are paper on these colours, the same pair."""
    assert contrast(scheme[name], scheme["paper"]) >= 4.5
    assert contrast(scheme[name], scheme["raised"]) >= 4.5


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("index", range(1, 7))
def test_lines_and_bars_are_seen(scheme: dict[str, str], index: int) -> None:
    """WCAG 2.2, 1.4.11: 3 to 1 for graphics."""
    assert contrast(scheme[f"series-{index}"], scheme["paper"]) >= 3


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_a_matrix_s_darkest_cell_is_read(scheme: dict[str, str]) -> None:
    """The first series' colour at 0.55 over the paper, under the ink."""
    pairs = [
        (int(scheme["series-1"][i : i + 2], 16), int(scheme["paper"][i : i + 2], 16))
        for i in (1, 3, 5)
    ]
    mixed = "#" + "".join(f"{round(0.55 * over + 0.45 * under):02x}" for over, under in pairs)
    assert contrast(scheme["ink"], mixed) >= 4.5


# Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB.
BLINDNESS = {
    "none": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def lab(colour: str, kind: str) -> list[float]:
    """CIE L*a*b* (D65) of a colour as an eye of this kind sees it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    seen = [sum(a * b for a, b in zip(row, linear, strict=True)) for row in BLINDNESS[kind]]
    matrix = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = [sum(a * min(max(b, 0), 1) for a, b in zip(row, seen, strict=True)) for row in matrix]
    scaled = [value / white for value, white in zip(xyz, (0.9505, 1, 1.089), strict=True)]
    fx, fy, fz = (t ** (1 / 3) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116 for t in scaled)
    return [116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)]


@pytest.mark.parametrize("kind", BLINDNESS)
@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_the_series_differ_for_every_eye(scheme: dict[str, str], kind: str) -> None:
    for one, other in itertools.combinations(range(1, 7), 2):
        pair = (lab(scheme[f"series-{index}"], kind) for index in (one, other))
        far = sum((a - b) ** 2 for a, b in zip(*pair, strict=True)) ** 0.5
        assert far >= 15, (one, other, far)
