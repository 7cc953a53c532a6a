"""The command line's verbs that talk to a forge; each imports what it needs when it is called."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["open_", "pr_group", "publish", "report"]

pr_group = typer.Typer(
    help="Carry the diff to the pull request: report beside it, publish with the right to write.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_Patience = Annotated[
    float, typer.Option(min=0, help="Seconds to wait for the forge, all requests together.")
]
_Author = Annotated[
    str | None,
    typer.Option(help="The token's own login, where the forge doesn't tell: my-app[bot]."),
]
_DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Print what would be sent, a line of JSON each.")
]


@pr_group.command()
def report(
    out: Annotated[Path, typer.Argument(help="The folder to write: what publish takes.")],
    base: Annotated[
        str | None,
        typer.Option(help="Compare with this; by default where the proposal left its base."),
    ] = None,
    head: Annotated[
        str | None, typer.Option(help="Judge this; by default the working tree.")
    ] = None,
    metric: Annotated[
        str | None, typer.Option(help="The metric that decides, NAME or NAME:maximize|minimize.")
    ] = None,
    tolerance: Annotated[
        list[str] | None,
        typer.Option(
            help="How much worse a metric may be, NUMBER or METRIC=NUMBER. Can be repeated."
        ),
    ] = None,
) -> None:
    """Write the diff, the verdict and the pull request's number into a folder."""
    from fivefold.forge.report import report as run

    made = run(out, os.environ, base=base, head=head, metric=metric, tolerance=tolerance or ())
    of = f"pull request {made.proposal.number}" if made.proposal else "no pull request"
    typer.echo(_printable(made.verdict.line))
    typer.echo(f"{out}: the report of {of}")


@pr_group.command()
def publish(
    folder: Annotated[Path, typer.Argument(help="The folder that report wrote.")],
    name: Annotated[
        str, typer.Option(help="The report's; each name has its own comment and verdict.")
    ] = "fivefold",
    author: _Author = None,
    patience: _Patience = 120,
    dry_run: _DryRun = False,
) -> None:
    """Put the report on its pull request: one comment, and a verdict on the commit."""
    from fivefold.forge.connection import connect
    from fivefold.forge.environment import find_host, find_token, find_trigger
    from fivefold.forge.publish import check_name, preview
    from fivefold.forge.publish import publish as run

    check_name(name)
    host, trigger = find_host(os.environ), find_trigger(os.environ)
    if dry_run:
        for line in preview(folder, host, trigger, name=name):
            typer.echo(line)
        return
    token = find_token(host, os.environ)
    forge = connect(host, token, author=author, patience=patience, say=_say)
    typer.echo(run(folder, forge, host, trigger, name=name))


@pr_group.command(name="open")
def open_(
    title: Annotated[str, typer.Option(help="The pull request's title.")],
    branch: Annotated[str, typer.Option(help="The branch, pushed to this repository.")],
    base: Annotated[
        str | None, typer.Option(help="What to merge into; by default the default branch.")
    ] = None,
    body: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="A file with the body, in Markdown."),
    ] = None,
    patience: _Patience = 120,
    dry_run: _DryRun = False,
) -> None:
    """Open a branch's pull request; one that is open gets the title and the body."""
    from fivefold.forge.connection import connect
    from fivefold.forge.environment import find_host, find_token
    from fivefold.forge.propose import preview, propose, read_body

    host = find_host(os.environ)
    text = read_body(body) if body else ""
    if dry_run:
        typer.echo(preview(host, title=title, branch=branch, base=base, body=text))
        return
    forge = connect(host, find_token(host, os.environ), patience=patience, say=_say)
    found, is_new = propose(forge, title=title, branch=branch, base=base, body=text)
    typer.echo(f"{found.url}: {'opened' if is_new else 'updated'}")


def _say(line: str) -> None:
    typer.echo(f"fivefold: {line}", err=True)


def _printable(text: str) -> str:
    # A path that isn't UTF-8 can be read, but not printed as it is.
    return text.encode("utf-8", "replace").decode()
