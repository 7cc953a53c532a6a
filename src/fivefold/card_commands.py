"""A card on the command line, with what the model cost to make and the hashes of its files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fivefold.errors import PipelineError

if TYPE_CHECKING:
    from fivefold.report import Section

__all__ = ["Which", "card", "with_costs"]


class Which(StrEnum):
    """The cards."""

    MODEL = "model"
    DATA = "data"


def card(
    which: Annotated[Which, typer.Argument(help="Which card.")] = Which.MODEL,
) -> None:
    """Print a card as the hub takes it, with the measured cost and the hashes of the files.

    What a run costs varies from run to run, so it is not in the card that Git keeps.
    """
    from fivefold.pipeline.project import find_root
    from fivefold.pipeline.stages import PROFILE

    root = find_root(Path.cwd())
    path = root / "reports" / f"{which.value}-card.md"
    if not path.is_file():
        raise PipelineError(
            f"there is no {which.value} card yet",
            where=path.relative_to(root).as_posix(),
            hint="dvc repro document",
        )
    text = path.read_text(encoding="utf-8")
    profile: Any = {}
    with suppress(OSError, ValueError):
        profile = json.loads((root / PROFILE).read_text(encoding="utf-8"))
    typer.echo(with_costs(text, profile, _hashes(root), which), nl=False)


def with_costs(
    text: str, profile: Mapping[str, Any], hashes: Mapping[str, str], which: Which
) -> str:
    """Add the cost of all stages and the files' hashes to a card.

    Parameters
    ----------
    text : str
        The card, with the block of metadata above it.
    profile : mapping
        What ``metrics/profile.json`` holds: figures by stage.
    hashes : mapping of str to str
        File to MD5, as ``dvc.lock`` has it.
    which : Which
        A model card gets the emissions into its metadata, too.
    """
    from fivefold.model.cards.metadata import front_matter
    from fivefold.pipeline.project import load_yaml
    from fivefold.report import Page, render_markdown

    _, block, body = text.split("---\n", 2) if text.startswith("---\n") else ("", "", text)
    metadata = load_yaml(block, "the card's metadata") or {}
    emissions = _sum(profile, "emissions_g")
    if which is Which.MODEL and emissions is not None:
        metadata["co2_eq_emissions"] = {
            "emissions": round(emissions, 4),
            "source": "fivefold, by codecarbon's method: estimated, see metrics/profile.json",
            "training_type": "pre-training",
        }
    sections = [*_cost(profile), *_files(hashes)]
    added = render_markdown(Page(title="x", lead="", sections=sections)).partition("\n\n")[2]
    return front_matter(metadata) + body.lstrip("\n").rstrip("\n") + "\n\n" + added


def _sum(profile: Mapping[str, Any], key: str) -> float | None:
    given = [
        entry[key]
        for entry in profile.values()
        if isinstance(entry, Mapping) and isinstance(entry.get(key), int | float)
    ]
    return float(sum(given)) if given else None


def _cost(profile: Mapping[str, Any]) -> list[Section]:
    from fivefold.report import Column, Section, Table
    from fivefold.report import format as form

    peak = [
        entry["peak_memory_mb"]
        for entry in profile.values()
        if isinstance(entry, Mapping) and isinstance(entry.get("peak_memory_mb"), int | float)
    ]
    rows = [
        ("wall time (s)", _sum(profile, "seconds")),
        ("processor time (s)", _sum(profile, "cpu_seconds")),
        ("peak memory (MB)", float(max(peak)) if peak else None),
        ("energy (Wh)", _sum(profile, "energy_wh")),
        ("emissions (g CO2 equivalent)", _sum(profile, "emissions_g")),
        ("cost", _sum(profile, "cost")),
    ]
    told = [(name, form.number(value)) for name, value in rows if value is not None]
    if not told:
        return []
    heads: list[str | Column] = ["of all stages", Column("measured", "text")]
    return [Section("What it cost", [Table(heads, told, caption="By metrics/profile.json")])]


def _hashes(root: Path) -> dict[str, str]:
    from fivefold.pipeline.project import load_yaml_file

    path = root / "dvc.lock"
    if not path.is_file():
        return {}
    lock = load_yaml_file(path, "dvc.lock") or {}
    found: dict[str, str] = {}
    for stage in (lock.get("stages") or {}).values():
        for item in stage.get("outs") or []:
            if str(item.get("path", "")).startswith(("data/", "models/")) and item.get("md5"):
                found[str(item["path"])] = str(item["md5"])
    return found


def _files(hashes: Mapping[str, str]) -> list[Section]:
    from fivefold.report import Column, Section, Table

    if not hashes:
        return []
    heads: list[str | Column] = [Column("file", "code"), Column("md5", "code")]
    table = Table(heads, sorted(hashes.items()), caption="As dvc.lock has them")
    return [Section("Files", [table])]
