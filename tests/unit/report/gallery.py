"""A page with every kind of block and chart, and with names that try to break out of it.

Run as a script, it writes the page's HTML to the file it is given.
"""

from __future__ import annotations

import datetime
import math
import sys
from pathlib import Path

import altair as alt

from fivefold.report import (
    Alert,
    Cell,
    Chart,
    Column,
    Fact,
    Facts,
    Page,
    Section,
    Table,
    Text,
    charts,
    render_html,
)
from fivefold.report import (
    format as form,
)

# Each would set data-pwned on the document if it ran.
RUN = "document.documentElement.dataset.pwned=1"
HOSTILE = [
    f"<script>{RUN}</script>",
    f"</script><script>{RUN}</script>",
    f"<img src=x onerror={RUN}>",
    f'\'" onmouseover={RUN} autofocus onfocus={RUN} x="',
    "<!--<script>",
    "&lt;b&gt; & \u2028 ]]>",
    f"[click](javascript:{RUN})",
    "![picture](https://example.org/x.png)",
]


def curves() -> list[Chart]:
    """Every chart that `fivefold.report.charts` builds, some in more than one form."""
    steps = [i / 1000 for i in range(1001)]
    weeks = [datetime.date(2013, 1, 1) + datetime.timedelta(days=7 * i) for i in range(20)]
    waves = [0.25 + 0.05 * math.sin(i) for i in range(20)]
    months = ["2013-01", "2013-02", "2013-03"]
    return [
        charts.histogram([0, 1, 2, 4], [3, 5, 1], x="hours", title="numbers"),
        charts.histogram(weeks, range(1, 20), title="dates", width="third"),
        charts.bar(["a", "b", "c"], [5, 1, 3], title="bar"),
        charts.search_history([0, 1, 2], [0.6, 0.5, 0.7], y="score", maximize=True, title="study"),
        charts.slices("C", [0.1, 1.0, 10.0], [0.6, 0.5, 0.7], y="score", log=True, title="ranges"),
        charts.slices("kind", ["a", HOSTILE[0], None], [0.6, 0.5, 0.7], y="score", title="choices"),
        charts.parallel(
            {"C": [0.0, 0.5, 1.0], HOSTILE[0]: [0.0, None, 1.0]},
            {"C": ["0.1", "1", "10"], HOSTILE[0]: ["a", "", HOSTILE[1]]},
            [0.6, 0.5, 0.7],
            y="score",
            maximize=True,
            title="lines of trials",
        ),
        charts.front(
            [0.6, 0.5, 0.7],
            [1, 2, 3],
            [True, False, True],
            x="size",
            y="score",
            chosen=2,
            title="front",
        ),
        charts.bar(["a", "b", "c"], [0.5, 0.00001, None], kind="percent", title="shares"),
        charts.importances(
            ["x", HOSTILE[0], "z"], [0.3, 0.1, 0.0], [0.2, -0.1, None], [0.4, 0.3, None], x="loss"
        ),
        charts.contributions(["x = 1", HOSTILE[0]], [0.3, -0.1], x="added"),
        charts.matrix(
            ["x", HOSTILE[0]],
            ["noise", "gaps"],
            [[0.3, None], [-0.1, 0.0]],
            y="column",
            x="change",
            what="worse by",
        ),
        charts.dependence(
            [0, 1, 2.5],
            [5, 3, 0],
            [[0.1, 0.2, 0.4]],
            low=[0, 0.1, 0.2],
            high=[0.2, 0.3, 0.5],
            curves=[[0.1, 0.1, 0.3]],
            x="x",
            y="score",
            title="dependence",
        ),
        charts.dependence(
            ["a", HOSTILE[0], ""],
            [5, 3, 0],
            [[0.1, 0.2, 0.4], [0.9, 0.8, 0.6]],
            lines=["no", "yes"],
            x="x",
            y="score",
            title="dependence of names",
        ),
        charts.plane(
            [0, 1, 2],
            ["a", "b"],
            [[0.1, 0.2, 0.3], [0.2, 0.3, 0.4]],
            [[5, 3, 0], [1, 1, 1]],
            x="x",
            y="y",
            what="score",
            title="plane",
        ),
        charts.missing_values(["x", "y", "z"], [0, 0.2, 0.9]),
        charts.distributions([0, 1, 2], [4, 6], [7, 3], x="x", title="binned drift"),
        charts.distributions(weeks[:3], [4, 6], [7, 3], title="drift of dates"),
        charts.distributions(["a", "b"], [4, 6], [7, 3], title="drift of categories"),
        charts.against([0, 1, 2, 4], [3, 5, 1], [0.1, None, 0.4], overall=0.2, x="hours"),
        charts.against(weeks[:4], [3, 5, 1], [1.5, 2.5, 2], kind="number", title="by week"),
        charts.against(["a", "b", "b"], [3, 5, 1], [0.1, 0.2, 0.4], overall=0.2, title="by name"),
        charts.against([0, 1, 2], [3, 5], {"p": [1, 2], "q": [2, 3]}, title="by class"),
        charts.against(["a"], [3], title="without a target"),
        charts.heatmap(["a", "b"], [[1, -0.4], [0.3, 1]], what=("one", "other"), title="heat"),
        charts.heatmap(["a", "b"], [[None, None], [0.3, None]], title="half of it"),
        charts.gaps(["x", "y"], [(7, ["x", "y"]), (7, []), (1, ["y"])], total=15),
        charts.density([0, 1, 2], [0, 5, 9], [[1, 0], [3, 900]], x="left", y="up"),
        charts.line(weeks, waves, low=[w - 0.1 for w in waves], high=[w + 0.1 for w in waves]),
        charts.line([1, 2, 3], [4.0, math.nan, 6.0], title="with a gap"),
        charts.line(months, {"one": [1, 2, 3], "two": [3, 2, 1]}, reference={"goal": 2.5}),
        charts.target_over_time(months, [0.2, 0.3, 0.25]),
        charts.roc_curve((steps, [s**0.5 for s in steps]), auc=2 / 3),
        charts.roc_curve({"a": (steps, steps), "b": (steps, [s**0.5 for s in steps])}, title="two"),
        charts.precision_recall_curve(
            (steps, [1 - 0.5 * s for s in steps]), average_precision=0.75, prevalence=0.5
        ),
        charts.calibration_curve(
            [0.1, 0.5], [0.12, 0.4], low=[0.1, 0.3], high=[0.2, 0.5], counts=[90, 10]
        ),
        charts.confusion_matrix(["no", "yes"], [[50, 3], [7, 40]]),
        charts.confusion_matrix(range(12), [[i + j for j in range(12)] for i in range(12)]),
        charts.residuals([i % 97 for i in range(5000)], [i % 89 - 44 for i in range(5000)]),
        charts.estimates(
            ["hour ≥ 14 and carrier = EV — 402 rows", HOSTILE[1], "hour ≥ 14"],
            [0.3, 0.1, -0.2],
            [0.2, -0.1, None],
            [0.4, 0.3, None],
            reference=0.0,
            reference_name="no worse",
            counts=[402, 100, 9],
            x="log loss above the other rows'",
            y="slice",
            title="How much worse",
        ),
        charts.estimates(["a", "b"], [1, 2], [0.5, 1], [2, 3], title="without a reference"),
        charts.by_bin(
            ["≤ 7", "8 to 9", "missing"],
            [0.3, 0.1, 0.2],
            [0.2, -0.1, None],
            [0.4, 0.3, None],
            [402, 100, 9],
            reference=0.2,
            reference_name="all rows",
            x="log loss",
            y="hour",
            limit=2,
            title="Loss by hour",
        ),
        charts.intervals(
            ["UA", "DL"], [0.7, 0.6], [0.68, 0.5], [0.72, 0.7], overall=0.66, counts=[9, 1]
        ),
        charts.against_limits(
            ["sex", "age"], [0.1, 0.2], [0.05, 0.1], [0.15, 0.3], [0.12, 0.12], lower_is_better=True
        ),
        charts.scores_per_fold({"tree": [0.6, 0.62], "dummy": [0.5, math.nan]}, x="ROC AUC"),
        charts.overlay(
            {
                "base": {"x": [0, 0.5, 1], "y": [0, 0.6, 1]},
                "head": {
                    "x": [0, 0.5, 1],
                    "y": [0, 0.8, 1],
                    "low": [0, 0.7, 1],
                    "high": [0, 0.9, 1],
                },
            },
            x="false positive rate",
            y="true positive rate",
            unit=True,
            guide=((0, 0), (1, 1)),
            faint=["base"],
            title="Both curves",
        ),
        charts.overlay(
            {"base: gain": {"x": ["a", "b"], "y": [1, 2]}, "head: gain": {"x": ["a"], "y": [3]}},
            y="gain",
            mark="bar",
            title="Both bars",
        ),
        charts.changes(["AUC", "loss"], [0.1, -0.2], [0.05, -0.3], [0.15, 0.1], told=["+1", "-2"]),
        charts.paired_bars(["train", "test"], [1.5, None], [2.5, 0.5], x="seconds", title="Time"),
        charts.over_cuts(
            [0.1, 0.5, 0.9],
            {"precision": [0.3, 0.6, None], "recall": [1.0, 0.6, 0.1]},
            marks={"in use": 0.4},
            guide=[(0.1, 1), (0.9, 0)],
            x_title="threshold",
            kind="percent",
            title="Thresholds",
        ),
    ]


def hostile() -> list[Section]:
    """Every place that takes a text, with texts that would run as a script where unescaped."""
    sections = []
    for text in HOSTILE:
        blocks = [
            Text(text),
            Alert("warn", text),
            Facts([Fact(text, text, note=text, status="bad")]),
            Table([text, Column(text, "code")], [(text, Cell(text, "good"))], caption=text),
            Chart(
                {
                    "data": {"values": [{text: text, "n": 1}]},
                    "mark": "bar",
                    "encoding": {"y": {"field": "n", "type": "nominal", "title": text}},
                },
                title=text,
                caption=text,
                alt=text,
                numbers={text: text},
            ),
            charts.bar([text], [1], title=text, x=text, y=text, caption=text),
            charts.overlay(
                {text: {"x": [0, 1], "y": [0, 1]}, "head": {"x": [0, 1], "y": [1, 0]}},
                x=text,
                y=text,
                faint=[text],
                title=text,
            ),
            charts.paired_bars([text], [1], [2], labels=(text, "head"), x=text, title=text),
            charts.changes([text], [0.1], [0.0], [0.2], told=[text]),
            charts.over_cuts(
                [0, 1],
                {text: [0, 1], "b": [1, 0]},
                marks={text: 0.5},
                x_title=text,
                y_title=text,
                title=text,
                caption=text,
            ),
        ]
        sections.append(Section(text, blocks, note=text))
    return sections


def interactive() -> Chart:
    """An Altair chart of a user's own, whose parts refer to one another by generated names."""
    data = alt.Data(values=[{"a": i, "b": i % 3} for i in range(9)])
    brush = alt.selection_interval()
    upper = alt.Chart(data).mark_bar().encode(x="a:Q", y="b:Q").add_params(brush)
    lower = alt.Chart(data).mark_point().encode(x="a:Q", y="b:Q").transform_filter(brush)
    return Chart(upper & lower, title="a user's own", caption="Drag over the upper one.")


def page() -> Page:
    """The whole."""
    return Page(
        title="Gallery",
        lead="Every kind of block and chart.",
        kicker="late-flights · model",
        sections=[
            Section("Charts", curves(), note="Each is drawn."),
            Section(
                "Blocks",
                [
                    Text(
                        "Some *text* with a [link](https://example.org) and a list:\n\n- one\n- two"
                    ),
                    Alert("info", f"{form.verbatim('a`b')} is a name."),
                    interactive(),
                    Facts([("rows", 336776), Fact("AUC", 0.675, note="goal 0.65", status="good")]),
                    Table(
                        ["name", Column("rows", "integer"), Column("missing", "share")],
                        [("a", 1000, 0.25), ("b", 7, Cell(0.9, "warn"))],
                        caption="A table",
                    ),
                ],
            ),
            *hostile(),
        ],
    )


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(render_html(page()).encode())
