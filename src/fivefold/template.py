"""Make a project from the template that ships with the package."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from fivefold.errors import ConfigError, OutputError, SourceError, nearest

__all__ = ["EXAMPLES", "FORGES", "create", "template_folder"]

EXAMPLES = ("flights", "diabetes", "none")
FORGES = ("github", "gitlab", "none")


def template_folder() -> Path:
    """Give the template's folder: in the wheel, or beside ``src/`` in a checkout."""
    packaged = Path(__file__).parent / "_template"
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "template"


def create(
    folder: Path,
    example: str = "flights",
    csv: Path | None = None,
    target: str | None = None,
    forge: str = "github",
) -> Iterator[str]:
    """Bake a project and start Git in it; for a CSV of one's own, propose its schema.

    Parameters
    ----------
    folder : Path
        Where the project goes; it must not exist, or be empty.
    example : {"flights", "diabetes", "none"}
        What to start from.
    csv : Path, optional
        With ``none``: the table, copied into ``data/source/``.
    target : str, optional
        With ``none``: the column to predict.
    forge : {"github", "gitlab", "none"}
        Where proposals are reviewed: whose workflows to add.

    Yields
    ------
    str
        A line of progress, the next commands last.

    Raises
    ------
    ConfigError
        An unknown example or forge, or ``none`` without its CSV and target.
    OutputError
        The folder has something in it.
    """
    folder = folder.resolve()
    _require(folder, example, csv, target)
    _require_known("forge", forge, FORGES)
    slug = re.sub(r"[^a-z0-9]+", "-", folder.name.lower()).strip("-") or "project"
    from cookiecutter.main import cookiecutter

    folder.parent.mkdir(parents=True, exist_ok=True)
    context = {
        "project_name": folder.name.replace("-", " ").replace("_", " ").capitalize(),
        "project_slug": folder.name,
        "package_name": slug.replace("-", "_") if slug[0].isalpha() else f"project_{slug}",
        "example": example,
        "csv": csv.name if csv else "table.csv",
        "target": target or "target",
        "forge": forge,
    }
    cookiecutter(
        str(template_folder()),
        no_input=True,
        extra_context=context,
        output_dir=str(folder.parent),
        overwrite_if_exists=True,
    )
    # Of a forge that wasn't chosen, cookiecutter leaves the folders.
    for empty in sorted((folder / ".github").rglob("*"), reverse=True):
        if empty.is_dir() and not any(empty.iterdir()):
            empty.rmdir()
    if (folder / ".github").is_dir() and not any((folder / ".github").iterdir()):
        (folder / ".github").rmdir()
    yield f"baked {example} into {folder}"
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", str(folder)], check=True)
    if csv is not None:
        shutil.copyfile(csv, folder / "data" / "source" / csv.name)
        from fivefold.pipeline.infer import infer_schema_file

        yield from infer_schema_file(folder)
    yield "next:"
    yield f"  cd {folder}"
    yield "  dvc repro"
    yield "  git add -A && git commit -m 'First results'"


def _require(folder: Path, example: str, csv: Path | None, target: str | None) -> None:
    _require_known("example", example, EXAMPLES)
    if example == "none" and (csv is None or not target):
        raise ConfigError(
            "a project of your own starts from a CSV and the column to predict",
            where="--csv" if csv is None else "--target",
            hint="fivefold new my-project --example none --csv table.csv --target column",
        )
    if example != "none" and (csv or target):
        raise ConfigError(
            "--csv and --target are for a CSV of your own",
            where="--example",
            got=example,
            hint="add --example none",
        )
    if csv is not None and not csv.is_file():
        raise SourceError("there is no such file", where="--csv", got=str(csv))
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(
            "the folder is not empty", where=str(folder), hint="name one that does not exist yet"
        )


def _require_known(option: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ConfigError(
            f"no {option} has this name",
            where=f"--{option}",
            got=value,
            allowed=allowed,
            hint=nearest(value, allowed),
        )
