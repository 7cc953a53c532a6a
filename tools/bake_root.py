"""Bake the repository's root from the template: two copies, one truth.

The root is the flights example with the committed answers below. Only the files that the root and a
baked project share are copied; a test asserts that they are equal, byte for byte.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
ANSWERS = {
    "project_name": "Late flights",
    "project_slug": "late-flights",
    "package_name": "late_flights",
    "example": "flights",
    "forge": "github",
}
# The rest of a baked project (its README, pyproject.toml, package and tests) is not the root's.
SHARED = (
    ".github",
    "CODEOWNERS",
    "conf",
    ".dvc",
    ".dvcignore",
    ".gitattributes",
    ".pre-commit-config.yaml",
    "dvc.yaml",
    "overrides.yaml",
    "requirements.lock",
    "data",
    "models",
)


def bake(folder: Path) -> Path:
    """Bake the example into a folder and give the project's path."""
    from cookiecutter.main import cookiecutter

    return Path(
        cookiecutter(
            str(ROOT / "template"), no_input=True, extra_context=ANSWERS, output_dir=str(folder)
        )
    )


def shared_files(project: Path) -> list[Path]:
    """List the files, relative to the project, that the root shares with it."""
    found = []
    for name in SHARED:
        path = project / name
        found += [path] if path.is_file() else [item for item in path.rglob("*") if item.is_file()]
    return sorted(item.relative_to(project) for item in found)


def main() -> None:
    """Copy the shared files from a fresh bake over the root's."""
    with tempfile.TemporaryDirectory() as folder:
        project = bake(Path(folder))
        for path in shared_files(project):
            target = ROOT / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(project / path, target)
            sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
