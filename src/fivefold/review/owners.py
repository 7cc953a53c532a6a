"""``CODEOWNERS`` from the roles in the plan: who is asked to review which phase."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fivefold.errors import PipelineError
from fivefold.pipeline.stages import STAGES

__all__ = ["OWNERS", "render_owners", "require_current_owners"]

OWNERS = "CODEOWNERS"
"""At the top of the repository, where GitHub and GitLab both look."""

_HEADER = """\
# From the roles in conf/plan.yaml, written by `fivefold codeowners`. The last line that fits wins.
"""
# What belongs to a phase beside the files that are named after its stages.
_MORE = {
    "plan": (
        ".github/",
        ".gitlab-ci.yml",
        OWNERS,
        "conf/prices.yaml",
        "conf/review.yaml",
        "exceptions.yaml",
    ),
    "data": ("conf/schema.yaml", "data/"),
    "model": ("conf/model/", "models/"),
}


def render_owners(plan: Mapping[str, Any]) -> str:
    """Write the file for the roles of a plan that have a handle.

    Parameters
    ----------
    plan : mapping
        The section ``plan`` of the parameters.
    """
    phases: dict[str, list[str]] = {stage.phase: [] for stage in STAGES}
    handles = []
    for role in (plan.get("roles") or {}).values():
        if role.get("handle"):
            handles.append(str(role["handle"]))
            for phase in role.get("phases") or []:
                phases.setdefault(phase, []).append(str(role["handle"]))
    if not handles:
        return _HEADER + "# No role has a handle yet.\n"
    lines = [("*", list(dict.fromkeys(handles)))]
    lines += [
        (f"/{path}", owners) for phase, owners in phases.items() for path in _paths(phase) if owners
    ]
    width = max(len(path) for path, _ in lines)
    return _HEADER + "".join(f"{path:<{width}} {' '.join(owners)}\n" for path, owners in lines)


def _paths(phase: str) -> list[str]:
    """List what belongs to a phase: its stages' configuration, metrics and reports in Git."""
    found = []
    for stage in STAGES:
        if stage.phase != phase:
            continue
        found.append(f"conf/{stage.name}.yaml")
        for output in stage.outputs.values():
            folder, name = posixpath.split(output.path)
            if not output.cache:
                stem = posixpath.splitext(name)[0]
                found.append(f"{folder}/{stem}.*" if folder == "reports" else output.path)
    return list(dict.fromkeys([*found, *_MORE.get(phase, ())]))


def require_current_owners(root: Path, plan: Mapping[str, Any]) -> None:
    """Refuse a ``CODEOWNERS`` of ours that isn't what the plan's roles give now.

    A project without the file, or with one written by hand, is left alone.

    Raises
    ------
    PipelineError
        The roles changed and the file didn't, or it was edited.
    """
    path = root / OWNERS
    if not path.is_file():
        return
    text = path.read_text(encoding="utf-8")
    if text.startswith(_HEADER) and text != render_owners(plan):
        raise PipelineError(
            "CODEOWNERS is not what the roles in conf/plan.yaml give now",
            where=OWNERS,
            hint="fivefold codeowners (or take its first line away, and it is yours)",
        )
