"""The command line's verb that writes versions."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

__all__ = ["release"]


class BumpChoice(StrEnum):
    """Which part of the version to raise."""

    auto = "auto"
    major = "major"
    minor = "minor"
    patch = "patch"


def release(
    bump: Annotated[
        BumpChoice,
        typer.Option(help="What to raise; auto: what follows from what changed."),
    ] = BumpChoice.auto,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be registered, and write nothing.")
    ] = False,
    push: Annotated[bool, typer.Option("--push", help="Push the tag too.")] = False,
    remote: Annotated[str, typer.Option(help="Where to push to.")] = "origin",
) -> None:
    """Register a version of the model, where it changed: a tag with its leaderboard entry."""
    from pathlib import Path

    from fivefold.errors import HistoryError
    from fivefold.pipeline.project import find_root
    from fivefold.registry.release import plan_release, push_tag, register, unfetched, withdraw
    from fivefold.registry.versions import BUMPS

    root = find_root(Path.cwd())
    found = plan_release(root, next((part for part in BUMPS if part == bump), None))
    if push and (missing := unfetched(root, found.artifact, remote)):
        raise HistoryError(
            f"{remote} has versions that are not here",
            got=", ".join(missing[:5]),
            hint=f"git fetch {remote} --tags",
        )
    if found.tag is None:
        typer.echo(f"nothing to register: {found.reason}")
        if push and not dry_run and found.previous and push_tag(root, found.previous.tag, remote):
            typer.echo(f"pushed {found.previous.tag}")
        return
    if dry_run:
        typer.echo(f"would register {found.tag} ({found.reason}):\n\n{found.message}")
        return
    register(root, found)
    if push:
        try:
            push_tag(root, found.tag, remote)
        except HistoryError:
            withdraw(root, found.tag)
            raise
    typer.echo(
        f"registered {'and pushed ' if push else ''}{found.tag} ({found.reason}):\n\n"
        f"{found.message}"
    )
