"""The command line: one thin command per verb."""

from __future__ import annotations

import sys

import typer

from fivefold.errors import FivefoldError

__all__ = ["app", "main"]

app = typer.Typer(
    name="fivefold",
    help="The machine-learning life cycle as a Git repository.",
    no_args_is_help=True,
    add_completion=False,
    # Rich would double the start-up time of every command.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the command line; a user's mistake is one message on stderr and exit code 1."""
    try:
        app()
    except FivefoldError as error:
        sys.stderr.write(f"fivefold: {error}\n")
        sys.exit(1)
