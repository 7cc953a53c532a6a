"""Tables, charts and pages: what a stage leaves for a person beside its JSON.

Values in, text out; a stage returns a `Page`, and whoever runs it writes the file::

    from fivefold.report import Alert, Chart, Column, Facts, Fact, Page, Section, Table, Text
    from fivefold.report import charts, format, render_html, render_markdown

    page = Page(
        title="Evaluation",
        lead="ROC AUC 0.675 on 53,000 flights of September and October: acceptable.",
        kicker="late-flights · model",
        sections=[
            Section("In short", [
                Facts([Fact("ROC AUC", 0.675, note="0.671 to 0.679", status="good"),
                       ("rows", 53000)]),
                Alert("warn", f"{format.verbatim('carrier')} is missing in 3 rows."),
                Text("Markdown, without HTML."),
            ]),
            Section("Curves", [
                charts.roc_curve((fpr, tpr), auc=0.675),
                charts.calibration_curve(predicted, observed),
            ], note="Markdown: one quiet sentence."),
            Section("Groups", [
                Table(["carrier", Column("rows", "integer"), Column("ROC AUC", "number")],
                      [("UA", 9000, 0.68), ("DL", 8000, 0.66)], caption="By carrier"),
            ]),
        ],
    )
    html = render_html(page)          # one file, no network, the same bytes in any process
    text = render_markdown(page)      # charts told by their captions

Titles, labels, captions and cells are plain text whatever they hold; `Text.body`, `Alert.text` and
`Section.note` are Markdown, where names from the data go through `format.verbatim`. Neighbouring
charts of one width ("full", "half", "third") stand side by side.

`fivefold.report.charts` has ``histogram``, ``bar``, ``against`` (a column and the target in it),
``heatmap``, ``density``, ``gaps`` (columns that miss together), ``missing_values``,
``distributions`` (reference and current), ``line``, ``target_over_time``, ``roc_curve``,
``precision_recall_curve``,
``calibration_curve``, ``confusion_matrix``, ``residuals``, ``intervals`` (a metric per group),
``estimates`` (the same under long names), ``against_limits``, ``by_bin`` (a mean in each bin of a
column), ``over_cuts`` (thresholds, gains) and ``scores_per_fold``, and of two revisions
``overlay``, ``changes`` and ``paired_bars``; each gives a `Chart`. Any Altair chart, or Vega-Lite
mapping, with its data inside makes a `Chart` too; an image is a `Picture`.
`fivefold.report.format` writes numbers.
"""

from fivefold.report import charts, format  # noqa: A004 - it is a module, and read as format.number
from fivefold.report.html import render_html
from fivefold.report.markdown import render_markdown
from fivefold.report.page import (
    Alert,
    Block,
    Cell,
    Chart,
    Column,
    Fact,
    Facts,
    Page,
    Picture,
    Section,
    Table,
    Text,
)

__all__ = [
    "Alert",
    "Block",
    "Cell",
    "Chart",
    "Column",
    "Fact",
    "Facts",
    "Page",
    "Picture",
    "Section",
    "Table",
    "Text",
    "charts",
    "format",
    "render_html",
    "render_markdown",
]
