"""The command line's verbs of a review; each imports what it needs when it is called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["codeowners", "retrain", "review"]


def review(
    base: Annotated[
        str | None, typer.Argument(help="What the proposal is to be merged into.")
    ] = None,
) -> None:
    """Verify or reproduce a proposal's results, as conf/review.yaml says; for CI, and for you."""
    from fivefold.review.evidence import Finding, policy_of, reproduce, verify_proposal

    root = _here()
    policy = policy_of(root, base)

    def say(line: str) -> None:
        typer.echo(line, err=True)

    typer.echo(f"### Evidence ({policy.mode})\n")
    found: list[Finding] = []
    for item in (
        reproduce(root, say)
        if policy.mode == "reproduce"
        else verify_proposal(root, base, policy, say)
    ):
        found.append(item)
        typer.echo("\n".join(item.lines()))
    if any(item.problems for item in found):
        raise typer.Exit(1)


def codeowners(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail if CODEOWNERS is not current.")
    ] = False,
) -> None:
    """Write CODEOWNERS from the roles in conf/plan.yaml."""
    from fivefold.files import replace_text
    from fivefold.pipeline.compose import composed
    from fivefold.review.owners import OWNERS, render_owners, require_current_owners

    root = _here()
    plan = composed(root)["plan"]
    if check:
        require_current_owners(root, plan)
        return
    replace_text(root / OWNERS, render_owners(plan))
    typer.echo(f"wrote {OWNERS}")


def retrain(
    decide: Annotated[
        bool, typer.Option("--decide", help="Only say whether a new model is due, and why.")
    ] = False,
    push: Annotated[bool, typer.Option("--push", help="Push the branch.")] = False,
    until: Annotated[
        str | None, typer.Option(help="Where the new test part ends; today by default.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Append due=... and branch=... to this file, for CI.")
    ] = None,
) -> None:
    """Train on newer data on a branch of its own, where monitoring and the policy ask for it."""
    from datetime import UTC, datetime

    from fivefold.review import retrain as steps

    root = _here()
    found = steps.decide(root)
    typer.echo(f"{'a new model is due' if found.due else 'no new model is due'}: {found.reason}")
    branch = None
    if found.due and not decide:
        branch = steps.propose(root, found, until or datetime.now(UTC).date().isoformat())
        typer.echo(f"committed on {branch}" if branch else "the data give the model that is there")
        if branch and push:
            steps.push(root, branch)
    if output is not None:
        with output.open("a", encoding="utf-8") as file:
            file.write(f"due={str(found.due).lower()}\nbranch={branch or ''}\n")


def _here() -> Path:
    from fivefold.pipeline.project import find_root

    return find_root(Path.cwd())
