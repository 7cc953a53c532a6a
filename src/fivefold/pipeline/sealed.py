"""A sealed test part: only the stages of ``dvc.yaml`` that judge may read it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

from fivefold.errors import PipelineError
from fivefold.pipeline.check import Pipeline
from fivefold.pipeline.stages import input_output, stage_named

__all__ = ["check_sealed"]

# The stages that judge the finished model; none of them hands on what another is fitted on.
_MAY_READ = ("evaluate", "diagnose", "assess", "explain")
_TEST = "split.test"
_ITEM = re.compile(r"\$\{\s*item\s*\}")
_TEMPLATE = re.compile(r"\$\{[^}]*\}")


def check_sealed(pipeline: Pipeline, split: Mapping[str, Any]) -> None:
    """Check that no stage but those that judge reads a test part that is sealed.

    Parameters
    ----------
    pipeline : Pipeline
        ``dvc.yaml``.
    split : mapping
        The composed section of the stage ``split``.

    Raises
    ------
    PipelineError
        Another stage, ours or not, lists the test part or a folder above it under its deps.
    """
    if not split.get("sealed"):
        return
    test, train = input_output(_TEST).path, input_output("split.train").path
    for name, entry in pipeline.stages.items():
        if name in _MAY_READ or not isinstance(entry, dict):
            continue
        for above, dep, path in _deps(entry):
            if _reads(path, test):
                listed = train in {other for _, _, other in _deps(entry)}
                raise _broken(pipeline, name, (*above, dep), listed=listed)


def _deps(entry: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Give where each dep of a stage stands, how it is written, and its path from the root."""
    inner = entry.get("do")
    stage, above = (inner, ("do", "deps")) if isinstance(inner, dict) else (entry, ("deps",))
    items = entry.get("foreach")
    known = isinstance(items, list) and not any(isinstance(item, dict | list) for item in items)
    for listed in stage.get("deps") or []:
        dep = str(next(iter(listed))) if isinstance(listed, dict) else str(listed)
        path = posixpath.normpath(posixpath.join(str(stage.get("wdir") or "."), dep))
        if known and _ITEM.search(path):
            for item in items or []:
                yield above, dep, str(item).join(_ITEM.split(path))
        else:
            yield above, dep, path


def _reads(path: str, test: str) -> bool:
    """Tell whether a path is the test part or a folder above it, or could be for some template."""
    pieces = (re.escape(piece) for piece in _TEMPLATE.split(path))
    pattern = re.compile(".+".join(pieces))
    above = test
    while above:
        if pattern.fullmatch(above):
            return True
        above = posixpath.dirname(above)
    return path == "."


def _broken(
    pipeline: Pipeline, name: str, place: tuple[str, ...], *, listed: bool
) -> PipelineError:
    dep = place[-1]
    stage = stage_named(name)
    wired = stage.inputs.items() if stage else ()
    ours = next((key for key, source in wired if source == _TEST), None)
    test, train = input_output(_TEST).path, input_output("split.train").path
    if ours is not None:
        mend = "delete the line" if listed else f"write {train} there"
        way = f"{mend}, and set {name}.inputs.{ours}: {train} in conf/config.yaml"
    elif _TEMPLATE.search(dep):
        way = "write out the paths that it reads, or keep them apart from the test part"
    else:
        way = f"give it {train} instead"
    return PipelineError(
        "the test part is sealed, and the stage reads it",
        where=pipeline.at(name, *place),
        got=f"{name} reads {dep}",
        allowed=f"{test} under the deps of {', '.join(_MAY_READ)} only",
        hint=f"{way}; or break the seal: split.sealed: false",
    )
