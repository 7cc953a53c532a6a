"""The page that `fivefold profile` draws of a revision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fivefold.history.measures import is_number
from fivefold.history.spent import Spent, figures_tables, timelines
from fivefold.report import Alert, Block, Column, Page, Section, Table, Text
from fivefold.report import format as form

__all__ = ["page"]

_METHOD = """\
- **Processors, memory, disk** are of the stage's own process and of all below it. Memory is
  resident, and what several of them share counts once where the system tells (Linux). Children are
  listed every half second: one that lives shorter has its time and its highest memory counted, not
  its place in the timeline. What the system's cache of files served is no reading of a disk.
- **Network and each processor's use** are of the whole machine, or container, meanwhile.
- **Energy** is by codecarbon 3's method, for the stage's own part of the machine. Processors: the
  counters of their packages (RAPL) times the stage's part of the busy time; where these can't be
  read, the thermal design power given in `conf/`, else 4 W, for each processor that it kept busy.
  Memory: 5 W a module (1.5 W on ARM; less from the fifth on), the modules guessed from the
  machine's size, times the part of it that the stage held. Cards: what they tell, whoever used
  them. All of it times the PUE.
- **CO2** is energy times the grams that a kilowatt-hour emits where the machine stands: Our World
  in Data from Ember (CC BY 4.0), each country's last year up to 2023, as codecarbon 3.3.2 has them;
  for the world 475 g (IEA, of 2018).
- **Cost** is what the figures come to at the prices in `conf/`; stages that ran side by side are
  each charged their own time of the machine.
"""


def page(spent: Spent, project: str, revision: str) -> Page:
    """Put all that is recorded of a revision on a page."""
    if not spent.figures:
        return Page(
            "Profile",
            "Nothing is recorded of what the stages used.",
            [Section("Stages", [Alert("info", "A run of the pipeline records it.")])],
            kicker=project,
        )
    total = sum(row["seconds"] for row in spent.figures.values() if is_number(row.get("seconds")))
    longest = max(spent.figures, key=lambda stage: spent.figures[stage].get("seconds") or 0)
    factors = [f"{key}: {value}" for key, value in spent.profile.items() if value is not None]
    reckoned = f"With {'; '.join(factors)}. " if factors else "With the factors of the world. "
    sections = [
        Section("Stages", figures_tables(spent.figures, spent.currency)),
        *_part_sections(spent),
        *timelines(spent),
        Section("How it is reckoned", [Text(f"{form.verbatim(reckoned)}\n\n{_METHOD}")]),
    ]
    return Page(
        "Profile",
        f"All stages took {form.duration(total)}, the longest of them {longest}; "
        f"as recorded in {revision}.",
        sections,
        kicker=project,
    )


def _part_sections(spent: Spent) -> list[Section]:
    """Show what stages tell of the cost of their own parts: a table for each list of them."""
    blocks: list[Block] = []
    for stage, row in spent.figures.items():
        parts = row.get("parts")
        if isinstance(parts, Mapping):
            blocks += _tables(stage, parts)
    return [Section("Inside the stages", blocks)] if blocks else []


def _tables(name: str, parts: Mapping[str, Any]) -> list[Block]:
    flat = {key: value for key, value in parts.items() if not isinstance(value, Mapping | list)}
    found: list[Block] = []
    if flat:
        found.append(Table(["", Column("", "number")], list(flat.items()), name))
    rows = {key: value for key, value in parts.items() if isinstance(value, Mapping)}
    if rows and not any(isinstance(v, Mapping) for row in rows.values() for v in row.values()):
        heads = list(dict.fromkeys(key for row in rows.values() for key in row))
        columns: list[str | Column] = ["", *(Column(_said(key), "number") for key in heads)]
        cells = [[key, *(_plain(row.get(h)) for h in heads)] for key, row in rows.items()]
        found.append(Table(columns, cells, name, sortable=True))
        rows = {}
    for key, row in rows.items():
        found += _tables(f"{name}: {_said(key)}", row)
    for key, value in parts.items():
        if isinstance(value, list) and value and all(isinstance(v, Mapping) for v in value):
            found += _tables(
                f"{name}: {_said(key)}", {str(number): v for number, v in enumerate(value)}
            )
    return found


def _said(key: str) -> str:
    return str(key).replace("_", " ")


def _plain(value: Any) -> object:
    if isinstance(value, list):
        return ", ".join(form.value(item) for item in value)
    return value
