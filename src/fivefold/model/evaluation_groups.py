"""Sections of the evaluation's page: the metrics by group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fivefold.objective import Objective
from fivefold.report import Alert, Cell, Column, Section, Table, charts
from fivefold.report import format as form

if TYPE_CHECKING:
    from fivefold.model.evaluate import EvaluateConfig

__all__ = ["group_sections"]


def group_sections(
    metrics: Mapping[str, Any],
    report: Mapping[str, Any],
    objective: Objective,
    config: EvaluateConfig,
) -> list[Section]:
    """Draw the primary metric by group, and tell all of them."""
    primary = objective.primary
    sections = []
    for column, found in report["groups"].items():
        judged = [
            item for item in found["groups"] if item[primary.name] is not None and not item["small"]
        ]
        small = [item for item in found["groups"] if item["small"]]
        blocks: list[Any] = []
        if small:
            blocks.append(
                Alert(
                    "warn",
                    f"{form.plural(len(small), 'group')} with fewer than "
                    f"{form.plural(config.min_group_rows, 'row')}: too small to judge, "
                    "in the table only.",
                )
            )
        if found["left_out"]["groups"]:
            blocks.append(
                Alert(
                    "info",
                    f"{form.plural(found['left_out']['groups'], 'smaller group')} with "
                    f"{form.plural(found['left_out']['rows'], 'row')} in all are not shown.",
                )
            )
        with_interval = [item for item in judged if item["interval"][primary.name]]
        if with_interval:
            ends = [item["interval"][primary.name] for item in with_interval]
            blocks.append(
                charts.intervals(
                    [_group(item) for item in with_interval],
                    [item[primary.name] for item in with_interval],
                    [end["low"] for end in ends],
                    [end["high"] for end in ends],
                    overall=metrics[primary.name],
                    counts=[item["rows"] for item in with_interval],
                    x=primary.title,
                    y=column,
                    title=f"{primary.title} by {column}",
                    width="full",
                )
            )
        blocks.append(_group_table(column, found["groups"], report["metrics"]))
        sections.append(Section(f"By {column}", blocks))
    return sections


def _group(item: Mapping[str, Any]) -> str:
    return "missing" if item["group"] is None else form.value(item["group"])


def _group_table(
    column: str, groups: list[dict[str, Any]], told: Mapping[str, Mapping[str, Any]]
) -> Table:
    return Table(
        [
            column,
            Column("rows", "integer"),
            *(item["title"] for item in told.values()),
        ],
        [
            (
                Cell(_group(item), "warn") if item["small"] else _group(item),
                item["rows"],
                *(_told(item, name) for name in told),
            )
            for item in groups
        ],
        caption=f"Metrics by {column}, with intervals",
    )


def _told(item: Mapping[str, Any], name: str) -> str:
    interval = item["interval"][name]
    if item[name] is None:
        return "undefined"
    if interval is None:
        return form.number(item[name])
    return form.estimate(item[name], interval["low"], interval["high"])
