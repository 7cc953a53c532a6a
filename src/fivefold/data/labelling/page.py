"""The page of the labels."""

from __future__ import annotations

from typing import Any

from fivefold.report import (
    Alert,
    Block,
    Column,
    Fact,
    Facts,
    Page,
    Section,
    Table,
    Text,
    charts,
    format,  # noqa: A004 - read as format.number
)

__all__ = ["page_of"]

_SHOWN = 50


def page_of(report: dict[str, Any]) -> Page:
    """Draw the report of :mod:`fivefold.data.labelling.process`."""
    sections = [Section("In short", _overview(report))]
    if "annotators" in report:
        sections += _of_annotators(report["annotators"])
    if "rules" in report:
        sections += _of_rules(report["rules"])
    if "corrections" in report:
        sections.append(_of_corrections(report["corrections"]))
    if "suspects" in report:
        sections.append(_of_suspects(report["suspects"]))
    if "queue" in report:
        sections.append(_of_queue(report["queue"]))
    share = report["labelled"] / report["rows"] if report["rows"] else 0
    return Page(
        title="Labels",
        lead=f"{format.integer(report['labelled'])} of {format.plural(report['rows'], 'row')} "
        f"({format.percent(share)}) have a label.",
        sections=sections,
        kicker="data",
    )


def _overview(report: dict[str, Any]) -> list[Block]:
    facts = [
        Fact("rows", report["rows"]),
        Fact("labelled", report["labelled"]),
        Fact("without a label", report["missing"]),
        Fact("from", report["origin"] or "the data"),
    ]
    blocks: list[Block] = [Facts(facts)]
    if isinstance(report.get("expression"), str):
        blocks.append(Text(f"{format.verbatim(report['target'])} is "
                           f"{format.verbatim(report['expression'])}."))  # fmt: skip
    if "classes" in report:
        blocks.append(
            charts.bar(
                list(report["classes"]),
                list(report["classes"].values()),
                y=report["target"],
                sort=False,
                limit=_SHOWN,
                title="Labels",
            )
        )
    return blocks


def _estimate(label: str, given: dict[str, Any]) -> Fact:
    if given["value"] is None:
        return Fact(label, "not defined", note=given["reason"])
    note = "" if given["low"] is None else format.interval(given["low"], given["high"])
    return Fact(label, given["value"], note=note)


def _of_annotators(report: dict[str, Any]) -> list[Section]:
    found = report["agreement"]
    facts = [
        Fact("annotators", found["annotators"]),
        Fact("items", found["items"]),
        Fact("with several annotators", found["items_with_several"]),
        _estimate("Krippendorff's alpha", found["krippendorff_alpha"]),
    ]
    blocks: list[Block] = [Facts(facts)]
    if "fleiss_kappa" in found:
        blocks[0] = Facts([*facts, _estimate("Fleiss' kappa", found["fleiss_kappa"])])
        pairs = [pair for pair in found["cohen_kappa"] if pair["low"] is not None]
        if pairs:
            blocks.append(
                charts.intervals(
                    [" and ".join(pair["annotators"]) for pair in pairs],
                    [pair["value"] for pair in pairs],
                    [pair["low"] for pair in pairs],
                    [pair["high"] for pair in pairs],
                    counts=[pair["items"] for pair in pairs],
                    x="Cohen's kappa",
                    y="annotators",
                    title="Agreement of each two annotators",
                    caption="With 95 % intervals.",
                )
            )
        blocks.append(_annotators_table(found))
    if not found["items_with_several"]:
        blocks.append(Alert("warn", "No item has two annotators, so agreement can't be measured."))
    blocks += [
        Alert("info", f"{report[name]:,} {what}.")
        for name, what in (
            ("unknown_items", "annotated rows are not in the table, and were left out"),
            ("repeated", "annotations repeat one of the same annotator"),
        )
        if report[name]
    ]
    sections = [Section("Agreement", blocks, note="Intervals are of 95 %, by the jackknife.")]
    consensus = report["consensus"]
    if "confusion" in consensus:
        sections.append(_confusions("Annotators as the model sees them", consensus))
    return sections


def _annotators_table(found: dict[str, Any]) -> Table:
    return Table(
        ["annotator", Column("items", "integer"), Column("others agree", "share")],
        [
            (name, known["items"], known["agreement_with_others"])
            for name, known in list(found["by_annotator"].items())[:_SHOWN]
        ],
        caption="Annotators",
    )


def _confusions(title: str, consensus: dict[str, Any]) -> Section:
    rows = [
        (source, label, *shares)
        for source, matrix in list(consensus["confusion"].items())[:_SHOWN]
        for label, shares in matrix.items()
    ]
    answers = [Column(f"says {name}", "share") for name in consensus["answers"]]
    note = f"The model came to rest after {format.plural(consensus['rounds'], 'round')}."
    if not consensus["converged"]:
        note = "The model did not come to rest; look at what the sources have in common."
    table = Table(["source", "true label", *answers], rows, caption="What each says")
    return Section(title, [table], note=note)


def _of_rules(report: dict[str, Any]) -> list[Section]:
    gold = report["gold"] is not None
    heads: list[str | Column] = ["rule", "labels"]
    heads += [Column(name, "share") for name in ("coverage", "overlap", "conflict")]
    heads += [Column("gold rows", "integer"), Column("accuracy", "share")] if gold else []
    rows = [
        (
            name,
            ", ".join(known["labels"]) or "abstains always",
            known["coverage"],
            known["overlap"],
            known["conflict"],
            *((known["gold_rows"], known["accuracy"]) if gold else ()),
        )
        for name, known in report["functions"].items()
    ]
    consensus = report["consensus"]
    facts = [
        Fact("rows that a rule covers", report["covered"]),
        Fact("labelled", consensus["labelled"]),
        Fact("tied", consensus["tied"]),
    ]
    if consensus.get("accuracy") is not None:
        facts.append(
            Fact(
                "accuracy",
                format.percent(consensus["accuracy"]),
                note=f"{consensus['gold_rows']:,} gold rows; by majority "
                f"{format.percent(consensus['majority_accuracy'])} "
                f"of {consensus['majority_gold_rows']:,}",
            )
        )
    sections = [Section("Rules", [Facts(facts), Table(heads, rows, caption="Rules")])]
    if "confusion" in consensus:
        sections.append(_confusions("Rules as the label model sees them", consensus))
    return sections


def _of_corrections(report: dict[str, Any]) -> Section:
    facts = Facts(
        [
            Fact("changed", report["changed"]),
            Fact("confirmed", report["confirmed"]),
            Fact("refused", report["refused"], status="warn" if report["refused"] else None),
        ]
    )
    blocks: list[Block] = [facts]
    blocks += [
        Alert("warn", f"{rows:,} refused: {reason}.")
        for reason, rows in report["refused_because"].items()
    ]
    blocks += _listed(report["first_changed"], "Changed")
    blocks += _listed(report["first_refused"], "Refused")
    return Section("Corrections", blocks)


def _of_suspects(report: dict[str, Any]) -> Section:
    blocks: list[Block] = [
        Facts(
            [
                Fact("judged", report["judged"]),
                Fact("suspected", report["suspected"]),
                Fact("estimated noise", format.percent(report.get("estimated_noise"))),
            ]
        )
    ]
    if "reason" in report:
        blocks.append(Alert("info", f"Nothing could be judged: {report['reason']}."))
    for name, rows in report["classes_too_small"].items():
        text = f"{format.verbatim(name)} has {format.plural(rows, 'row')}, too few to be judged."
        blocks.append(Alert("info", text))
    if report.get("changes"):
        blocks.append(
            Table(
                ["label", "suggested", Column("rows", "integer")],
                [tuple(change.values()) for change in report["changes"]],
                caption="What would become what",
            )
        )
    blocks += _listed(report["listed"], "The most suspicious first")
    return Section(
        "Suspected errors",
        blocks,
        note="By confident learning: rows whose label a model that has not seen them finds "
        "improbable. A person decides; `reports/label-tasks.json` is for Label Studio.",
    )


def _of_queue(report: dict[str, Any]) -> Section:
    blocks: list[Block] = [
        Facts(
            [
                Fact("without a label", report["unlabelled"]),
                Fact("queued", report["queued"]),
                Fact("by", report["by"].replace("_", " ")),
            ]
        )
    ]
    if "reason" in report:
        blocks.append(Alert("info", f"{report['reason'].capitalize()}."))
    blocks += _listed(report["listed"], "What to label next")
    return Section(
        "What to label next",
        blocks,
        note="Rows of which the model is unsure, and which differ from one another; "
        "`reports/label-queue.json` is for Label Studio.",
    )


def _listed(rows: list[dict[str, Any]], caption: str) -> list[Block]:
    if not rows:
        return []
    if len(rows) > _SHOWN:
        caption = f"{caption}; the first {_SHOWN} of {len(rows):,}"
    columns: list[str | Column] = [
        Column(name.replace("_", " "), "number" if _numeric(rows, name) else "text")
        for name in rows[0]
    ]
    return [Table(columns, [tuple(row.values()) for row in rows[:_SHOWN]], caption=caption)]


def _numeric(rows: list[dict[str, Any]], name: str) -> bool:
    return all(isinstance(row[name], float) or row[name] is None for row in rows)
