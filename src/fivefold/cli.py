"""The command line: one thin command per verb."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from fivefold import __version__
from fivefold.card_commands import card
from fivefold.errors import FivefoldError, PipelineError, nearest
from fivefold.forge.commands import pr_group
from fivefold.history.commands import leaderboard_group, profile, site
from fivefold.history.diff.commands import diff, gate
from fivefold.merge.commands import after_merge, merge_driver, setup
from fivefold.pipeline.source_commands import sources_group
from fivefold.quick_start import only_asked, quicken
from fivefold.registry.commands import release
from fivefold.review.commands import codeowners, retrain, review
from fivefold.schema_commands import schema_group

__all__ = ["app", "main"]

app = typer.Typer(
    name="fivefold",
    no_args_is_help=True,
    add_completion=False,
    # Rich would double the start-up time of every command.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _version(value: bool) -> None:
    if value:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def fivefold(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """The machine-learning life cycle as a Git repository."""  # noqa: D401


@app.command()
def new(
    folder: Annotated[Path, typer.Argument(help="The folder to make the project in.")],
    example: Annotated[
        str, typer.Option(help="flights, diabetes, or none for a CSV of your own.")
    ] = "flights",
    csv: Annotated[
        Path | None, typer.Option(help="With --example none: the CSV to start from.")
    ] = None,
    target: Annotated[
        str | None, typer.Option(help="With --example none: the column to predict.")
    ] = None,
    forge: Annotated[
        str, typer.Option(help="Whose workflows to add: github, gitlab, or none.")
    ] = "github",
) -> None:
    """Make a project: bake the template, start Git and DVC in it."""
    from fivefold.template import create

    for line in create(folder, example=example, csv=csv, target=target, forge=forge):
        typer.echo(line)


@app.command()
def compose(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail if params.yaml is not current.")
    ] = False,
) -> None:
    """Compose conf/ into params.yaml (the pipeline's first stage)."""
    from fivefold.pipeline.compose import compose as run
    from fivefold.pipeline.compose import require_current
    from fivefold.pipeline.profile import Profiler
    from fivefold.pipeline.run import read_params

    root = _here()
    if check:
        require_current(root)
        return
    with Profiler(root) as profiler:
        changed = run(root)
        profiler.configure(read_params(root))
        profiler.record("compose")
    if changed:
        shown = ", ".join(changed[:5]) + (f" and {len(changed) - 5} more" if changed[5:] else "")
        typer.echo(
            f"fivefold: this environment is not the locked one: {shown}\n"
            "  next:    pip install -r requirements.lock, or lock this one: fivefold lock",
            err=True,
        )


@app.command("tune-worker")
def tune_worker() -> None:
    """Work on the shared study of `tune` beside the stage, on this machine or another."""
    from fivefold.pipeline.run import work_on_study

    count = work_on_study(_here())
    typer.echo(f"{count} trial{'' if count == 1 else 's'} fitted here; the study is done")


@app.command()
def check() -> None:
    """Hold conf/, dvc.yaml and the stages against each other."""
    from fivefold.pipeline.compose import check_project
    from fivefold.review.owners import require_current_owners

    root = _here()
    require_current_owners(root, check_project(root)["plan"])
    typer.echo("conf/, dvc.yaml and the stages agree")


@app.command()
def run(stage: Annotated[str, typer.Argument(help="The stage's name.")]) -> None:
    """Run one stage; dvc.yaml calls this."""
    from fivefold.pipeline.run import run_stage
    from fivefold.pipeline.stages import STAGES, stage_named

    found = stage_named(stage)
    if found is None:
        known = [item.name for item in STAGES]
        raise PipelineError(
            "no stage has this name", got=stage, allowed=known, hint=nearest(stage, known)
        )
    run_stage(found, _here())


@app.command()
def repro(
    targets: Annotated[
        list[str] | None, typer.Argument(help="Stages, with what they need; all by default.")
    ] = None,
    jobs: Annotated[
        int, typer.Option("--jobs", "-j", min=0, help="Stages at once; 0 for one per processor.")
    ] = 0,
    force: Annotated[
        bool, typer.Option("--force", "-f", help="Run what did not change too.")
    ] = False,
    keep_going: Annotated[
        bool, typer.Option("--keep-going", "-k", help="After a failure run what does not need it.")
    ] = False,
    warm: Annotated[
        bool, typer.Option("--warm/--no-warm", help="Fork our own stages from one warm process.")
    ] = True,
    pull: Annotated[
        bool, typer.Option("--pull", help="Fetch what DVC's remote has instead of running it.")
    ] = False,
) -> None:
    """Run what changed, as dvc repro does, with independent stages side by side."""
    from fivefold.pipeline.repro.command import run

    code = run(
        _here(),
        targets or [],
        jobs=jobs,
        force=force,
        keep_going=keep_going,
        warm=warm,
        pull=pull,
    )
    if code:
        raise typer.Exit(code)


@app.command()
def lock() -> None:
    """Write requirements.lock from this environment."""
    from fivefold.files import replace_text
    from fivefold.pipeline.environment import ENVIRONMENT, installed, render

    versions = installed()
    replace_text(_here() / ENVIRONMENT, render(versions))
    typer.echo(f"{ENVIRONMENT}: {len(versions)} packages")


@app.command()
def verify(
    revision: Annotated[str, typer.Argument(help="The commit to verify.")] = "HEAD",
    sample: Annotated[
        int, typer.Option(min=0, help="Run only so many of its stages, drawn by the commit.")
    ] = 0,
) -> None:
    """Run a commit's pipeline in a clean clone and compare the hashes."""
    from fivefold.pipeline.verify import verify as run

    if sample:
        from fivefold.review.sample import print_sample

        if not print_sample(_here(), revision, sample):
            raise typer.Exit(1)
        return
    result = run(_here(), revision, say=typer.echo)
    if result.same:
        typer.echo(f"{result.revision[:10]} gives its own results: dvc.lock is the same")
        return
    for line in result.differences:
        typer.echo(line)
    typer.echo(f"{result.revision[:10]} does not give its own results", err=True)
    raise typer.Exit(1)


@app.command()
def reproduce(
    run: Annotated[str, typer.Argument(help="A row of the leaderboard: a commit, branch or tag.")],
    folder: Annotated[
        Path | None, typer.Argument(help="The worktree's folder; beside this one by default.")
    ] = None,
    checkout: Annotated[
        bool, typer.Option("--checkout", help="Only put its files there, and run nothing.")
    ] = False,
) -> None:
    """Put a run into a worktree of its own, run its pipeline there, and compare the hashes."""
    from fivefold.history.git.repository import Repository
    from fivefold.pipeline.worktree import put, rerun

    commit = Repository().resolve(run).commit
    if commit is None:
        raise PipelineError(
            "what is not committed can't be reproduced", got=run, hint="git commit, then its id"
        )
    project = put(_here(), str(commit.id), folder, say=typer.echo)
    if checkout:
        return
    lines = rerun(project, say=typer.echo)
    for line in lines:
        typer.echo(line)
    if lines:
        typer.echo(f"{run} does not give its own results here", err=True)
        raise typer.Exit(1)
    typer.echo(f"{run} gives its own results here: dvc.lock is the same")


app.add_typer(schema_group, name="schema")
app.add_typer(sources_group, name="sources")
app.command()(diff)
app.command()(gate)
app.add_typer(leaderboard_group, name="leaderboard")
app.command()(site)
app.command()(profile)
app.command()(card)
app.add_typer(pr_group, name="pr")
app.command()(release)
app.command()(review)
app.command()(codeowners)
app.command()(retrain)
app.command()(setup)
app.command(hidden=True)(merge_driver)
app.command(hidden=True)(after_merge)


def _here() -> Path:
    from fivefold.pipeline.project import find_root

    return find_root(Path.cwd())


def main() -> None:
    """Run the command line; a user's mistake is one message on stderr and exit code 1."""
    # Idle OpenMP threads spin for long by default, and starve the others where cores are shared:
    # histogram boosting took ten times as long on a busy machine. Read when scikit-learn loads.
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    # A command makes many objects and soon ends: to look for cycles after every 700 would be a
    # fifth of reading a long history.
    gc.set_threshold(50_000, 50, 100)
    try:
        quicken(typer.main.get_command(only_asked(app, sys.argv[1:])))()
    except FivefoldError as error:
        sys.stderr.write(f"fivefold: {error}\n")
        sys.exit(1)
