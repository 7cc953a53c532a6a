"""The data card: where the rows come from, what was done to them, what their columns mean.

The questions are those of T. Gebru et al., "Datasheets for Datasets", *CACM* 64 (2021), as far as
the pipeline knows the answers, in the order of the hub's template.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fivefold.model.cards.metadata import front_matter, size_category, task_category
from fivefold.objective import Objective
from fivefold.report import Block, Column, Page, Section, Table, Text, render_markdown
from fivefold.report import format as form
from fivefold.table import TableSchema

if TYPE_CHECKING:
    from fivefold.model.document import DocumentConfig

__all__ = ["data_card"]

_DTYPES = {
    "integer": "int64",
    "number": "float64",
    "string": "string",
    "boolean": "bool",
    "datetime": "timestamp[us]",
    "date": "date32",
}


def data_card(
    charter: Mapping[str, Any],
    sources: Mapping[str, Any],
    audit: Mapping[str, Any],
    validation: Mapping[str, Any],
    split: Mapping[str, Any],
    schema: TableSchema,
    objective: Objective,
    config: DocumentConfig,
) -> str:
    """Write the data card.

    Returns
    -------
    str
        Markdown, with the hub's metadata above it.
    """
    metadata = {
        "license": config.data_license,
        "pretty_name": objective.name,
        "task_categories": [task_category(objective)],
        "size_categories": [size_category(int(split["rows"]))],
        "tags": list(dict.fromkeys(["tabular", "fivefold", *config.tags])),
        "dataset_info": {
            "features": [
                {"name": name, "dtype": _DTYPES[column.dtype]}
                for name, column in schema.columns.items()
            ],
            "splits": [
                {"name": name, "num_examples": part["rows"]}
                for name, part in (split.get("parts") or {}).items()
                if part.get("rows")
            ],
        },
    }
    page = Page(
        title=f"Data card: {objective.name}",
        lead=f"{form.plural(int(split['rows']), 'row')} of "
        f"{form.plural(len(schema.columns), 'column')}, to predict {objective.target}.",
        sections=[
            _purpose(charter),
            _sources(sources),
            _columns(schema),
            _cleaning(audit),
            _quality(validation),
            _parts(split, config),
            _sensitive(schema),
        ],
    )
    return front_matter(metadata) + render_markdown(page)


def _purpose(charter: Mapping[str, Any]) -> Section:
    told = [str(charter[key]) for key in ("problem", "objective") if charter.get(key)]
    return Section("Why it was put together", [Text(text) for text in told])


def _sources(sources: Mapping[str, Any]) -> Section:
    rows = [
        (
            name,
            item.get("file") or form.MISSING,
            item.get("rows"),
            str(item.get("sha256") or form.MISSING),
            item.get("as_of") or form.MISSING,
        )
        for name, item in (sources.get("sources") or {}).items()
    ]
    return Section(
        "Sources",
        [
            Table(
                [
                    Column("table", "code"),
                    Column("from", "code"),
                    Column("rows", "integer"),
                    Column("sha256", "code"),
                    "as of",
                ],
                rows,
                caption="What was collected, and the hash of what it held",
            )
        ],
    )


def _columns(schema: TableSchema) -> Section:
    rows = [
        (
            name,
            column.dtype,
            column.role + (" and feature" if column.feature and column.role != "feature" else ""),
            column.unit,
            column.description,
            "yes" if column.nullable else "no",
        )
        for name, column in schema.columns.items()
    ]
    heads: list[str | Column] = [
        Column("column", "code"),
        "type",
        "role",
        "unit",
        "meaning",
        "may be missing",
    ]
    return Section("Columns", [Table(heads, rows, caption="As reports/schema.json holds them")])


def _cleaning(audit: Mapping[str, Any]) -> Section:
    rows = [
        (
            str(step["step"]).rpartition(".")[2],
            step["rows_before"] - step["rows"],
            step.get("cells_changed", 0),
            ", ".join([*step.get("columns_added", []), *step.get("columns_dropped", [])]),
        )
        for step in audit.get("steps") or []
    ]
    told = Text(
        f"{form.plural(audit['rows_before'], 'row')} came in, "
        f"{form.plural(audit['rows'], 'row')} went on."
    )
    heads: list[str | Column] = [
        "step",
        Column("rows dropped", "integer"),
        Column("cells changed", "integer"),
        "columns added or dropped",
    ]
    return Section("Cleaning", [told, Table(heads, rows, caption="In this order")])


def _quality(validation: Mapping[str, Any]) -> Section:
    aside = (validation.get("quarantined") or {}).get("rows", 0)
    checked = form.plural(validation.get("checks", 0), "check")
    rows = form.plural(validation["rows"], "row")
    lines = [
        f"{checked} of the schema were held against {rows}; {form.plural(aside, 'row')} set aside."
    ]
    lines += [
        f"{form.verbatim(str(item.get('column', '')))}: {item.get('detail', '')}"
        for item in validation.get("look_at") or []
    ]
    return Section("Quality", [Text("\n".join(f"- {line}" for line in lines))])


def _parts(split: Mapping[str, Any], config: DocumentConfig) -> Section:
    rows = [(name, part.get("rows")) for name, part in (split.get("parts") or {}).items()]
    blocks: list[Block] = [
        Table(
            ["part", Column("rows", "integer")],
            rows,
            caption=f"Cut by {split.get('method')}; no row is in two",
        )
    ]
    if config.data_license:
        blocks.append(Text(f"Licence: {config.data_license}."))
    return Section("Parts", blocks)


def _sensitive(schema: TableSchema) -> Section:
    names = [form.verbatim(name) for name in schema.with_role("sensitive")]
    told = (
        f"Sensitive columns: {', '.join(names)}. The model card tells how the model treats them."
        if names
        else "No column is declared sensitive. That is a statement of the schema's owner, not a "
        "finding."
    )
    identifiers = [form.verbatim(name) for name in schema.with_role("identifier")]
    if identifiers:
        told += f" Rows are named by {', '.join(identifiers)}."
    return Section("Personal and sensitive information", [Text(told)])
