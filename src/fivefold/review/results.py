"""The files by which a proposal carries its results: what Git keeps of a run."""

from __future__ import annotations

from pathlib import Path

from fivefold.pipeline.check import load_pipeline
from fivefold.pipeline.integrity import LOCK
from fivefold.pipeline.stages import PROFILE, TIMELINE

__all__ = ["result_paths"]


def result_paths(root: Path) -> list[str]:
    """List ``dvc.lock``, what a run costs, and every output that ``dvc.yaml`` leaves to Git."""
    found = [LOCK, PROFILE, TIMELINE]
    for stage in load_pipeline(root).stages.values():
        for section in ("outs", "metrics", "plots"):
            for item in stage.get(section) or []:
                path, options = next(iter(item.items())) if isinstance(item, dict) else (item, {})
                if (options or {}).get("cache") is False:
                    found.append(path)
    return [path for path in found if (root / path).exists()]
