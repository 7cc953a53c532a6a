"""The main job from an empty folder: bake, run, change the model, run, compare, rank."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from fivefold.errors import FivefoldError
from fivefold.pipeline.stages import STAGES
from fivefold.template import create

HERE = Path(__file__).parent.parent
PROJECT = HERE / "demo" / "late-flights"
RUNNING = re.compile(r"^Running stage '([\w-]+)'")
SKIPPED = re.compile(r"^Stage '([\w-]+)' didn't change, skipping")

console = Console(highlight=False)
environment = {
    **os.environ,
    # The commands of this environment come first, as if it were activated.
    "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
    "PYTHONUNBUFFERED": "1",
    "GIT_AUTHOR_NAME": "Fivefold demo",
    "GIT_AUTHOR_EMAIL": "demo@example.org",
    "GIT_COMMITTER_NAME": "Fivefold demo",
    "GIT_COMMITTER_EMAIL": "demo@example.org",
}


def say(command: str) -> None:
    """Show a command as a person would have typed it."""
    console.print(f"\n[bold green]$[/] [bold]{command}[/]")


def call(*command: str) -> None:
    """Run a command in the project, its output shown."""
    say(" ".join(f"'{word}'" if " " in word else word for word in command))
    subprocess.run(command, cwd=PROJECT, env=environment, check=True)


def repro() -> None:
    """Run ``dvc repro``, showing which stage is at work."""
    say("dvc repro")
    ran: list[str] = []
    lines: list[str] = []
    began = time.monotonic()
    with (
        Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=28),
            TextColumn("{task.completed}/{task.total} stages"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        ) as progress,
        subprocess.Popen(
            ["dvc", "repro"],
            cwd=PROJECT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process,
    ):
        task = progress.add_task("starting", total=len(STAGES) + 1)
        for line in process.stdout or ():
            lines.append(line)
            if found := RUNNING.match(line):
                if ran:
                    progress.advance(task)
                ran.append(found.group(1))
                progress.update(task, description=f"[cyan]{ran[-1]}[/]")
            elif SKIPPED.match(line):
                progress.advance(task)
    if process.returncode:
        console.print("".join(lines), markup=False)
        raise SystemExit(process.returncode)
    skipped = len(STAGES) + 1 - len(ran)
    unchanged = f"; {skipped} unchanged, skipped" if skipped else ""
    console.print(
        f"{len(ran)} stages in {time.monotonic() - began:.0f} s: {', '.join(ran)}{unchanged}"
    )


def main() -> None:
    """Play the loop."""
    began = time.monotonic()
    shutil.rmtree(PROJECT, ignore_errors=True)
    say(f"fivefold new {PROJECT.relative_to(HERE)} --example flights")
    for line in create(PROJECT, example="flights"):
        if line.startswith("next"):
            break
        console.print(line)
    repro()
    call("git", "add", "--all")
    call("git", "commit", "--quiet", "-m", "Late flights, by logistic regression")

    call("git", "switch", "--quiet", "-c", "forest")
    say("$EDITOR conf/config.yaml      # - model: logistic  becomes  - model: forest")
    config = PROJECT / "conf" / "config.yaml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("- model: logistic", "- model: forest"), encoding="utf-8")
    repro()
    call("fivefold", "diff", "main")
    call("git", "commit", "--quiet", "--all", "-m", "Try a forest")
    call("fivefold", "leaderboard")

    console.print(f"\n[bold]Done in {time.monotonic() - began:.0f} s.[/] Open next:")
    for path, what in (
        ("reports/explore.html", "the data"),
        ("reports/evaluate.html", "the model: metrics, errors, groups"),
        ("reports/monitor.html", "what changed in production"),
        ("conf/config.yaml", "what to change next"),
    ):
        console.print(f"  {(PROJECT / path).relative_to(HERE)}  [dim]{what}[/]")


if __name__ == "__main__":
    try:
        main()
    except FivefoldError as error:
        sys.exit(f"fivefold: {error}")
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
