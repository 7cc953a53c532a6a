"""Record the demo's last screen as an SVG, from the real commands in `demo/late-flights`.

make demo && .venv/bin/python tools/record.py
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

HERE = Path(__file__).parent.parent
PROJECT = HERE / "demo" / "late-flights"
PICTURE = HERE / "docs" / "loop.svg"
WIDTH = 100


def main() -> None:
    """Run the commands in a wide, coloured terminal and draw what they print."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    for shown, command in (
        ("git switch -c forest && $EDITOR conf/config.yaml    # - model: forest", None),
        ("dvc repro && fivefold diff main", ("fivefold", "diff", "main")),
        ("git commit -am 'Try a forest' && fivefold leaderboard", ("fivefold", "leaderboard")),
    ):
        console.print(f"[bold green]$[/] [bold]{shown}[/]", highlight=False)
        if command:
            console.print(Text.from_ansi(output(*command)))
    svg = console.export_svg(title="late-flights", theme=MONOKAI)
    # Rich asks a server for its font; a picture in a repository asks nobody.
    svg = re.sub(r"@font-face\s*{[^}]*}", "", svg)
    svg = svg.replace("Fira Code", "ui-monospace, Menlo, Consolas, monospace")
    svg = re.sub(r"terminal-\d+-", "loop-", svg)
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(svg, encoding="utf-8", newline="\n")
    print(PICTURE.relative_to(HERE))


def output(*command: str) -> str:
    """Give what a command prints to a terminal."""
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        "FORCE_COLOR": "1",
        "COLUMNS": str(WIDTH),
        "TERM": "xterm-256color",
    }
    done = subprocess.run(
        command, cwd=PROJECT, env=environment, check=True, capture_output=True, text=True
    )
    return done.stdout


if __name__ == "__main__":
    main()
