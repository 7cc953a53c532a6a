"""The schema on the command line; each command imports what it needs when called."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fivefold.history.diff.commands import echo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fivefold.data.schema_diff import Difference

__all__ = ["diff", "infer", "schema_group"]

schema_group = typer.Typer(
    help="The table's columns, roles and rules.", no_args_is_help=True, rich_markup_mode=None
)


@schema_group.command()
def infer(
    force: Annotated[bool, typer.Option("--force", help="Replace a schema that is there.")] = False,
) -> None:
    """Propose conf/schema.yaml from the cleaned table; it is yours from then on."""
    from fivefold.pipeline.infer import infer_schema_file
    from fivefold.pipeline.project import find_root

    for line in infer_schema_file(find_root(Path.cwd()), force=force):
        typer.echo(line)


@schema_group.command()
def diff(
    revision: Annotated[
        str | None, typer.Argument(help="Compare with the data at this revision too.")
    ] = None,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit with 1 if anything differs.")
    ] = False,
) -> None:
    """Show what the cleaned table does differently from conf/schema.yaml, and from a revision."""
    from fivefold.pipeline.project import find_root
    from fivefold.pipeline.schema_diff import schema_differences

    root = find_root(Path.cwd())
    then = None if revision is None else _report_at(root, revision)
    source, declared, before = schema_differences(root, then)
    echo(_drawn(f"{source}, against conf/schema.yaml", declared))
    if revision is not None:
        echo("\n" + _drawn(f"{source}, against {revision}", before))
    if exit_code and (declared or before):
        raise typer.Exit(1)


def _report_at(root: Path, revision: str) -> str:
    """Read what validate reported at a revision."""
    from fivefold.errors import HistoryError
    from fivefold.history.git.repository import Repository
    from fivefold.pipeline.schema_diff import REPORT

    repository = Repository(root)
    snapshot = repository.snapshot(repository.resolve(revision))
    path = (root.resolve() / REPORT).relative_to(repository.root or root.resolve()).as_posix()
    blob = snapshot.blob(path)
    if blob is None:
        raise HistoryError(
            "the revision has no report of its data",
            where=f"{revision}:{path}",
            hint="run dvc repro validate there, and commit",
        )
    return snapshot.data(blob).decode(errors="replace")


def _drawn(title: str, differences: Sequence[Difference]) -> str:
    from fivefold.history.tables import Column, Table, Text
    from fivefold.history.terminal import draw

    count = len(differences)
    words = (
        "nothing differs"
        if not count
        else "1 difference"
        if count == 1
        else f"{count:,} differences"
    )
    columns = (Column("where"), Column("what"), Column("before"), Column("now", shrinks=True))
    rows = [[each.where, each.what, each.before, each.now] for each in differences]
    return draw([Text(f"{title}: {words}"), Table(columns, rows)])
