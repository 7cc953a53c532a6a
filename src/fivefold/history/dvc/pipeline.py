"""What a revision's ``dvc.yaml`` files declare: stages, metrics, params and plots, with paths."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from fivefold.history.dvc.plots import Drawing, read_drawings
from fivefold.history.dvc.values import MalformedError

__all__ = [
    "DEFAULT_PARAMS",
    "Declared",
    "Output",
    "Stage",
    "locate",
    "merge_declared",
    "read_declaration",
]

DEFAULT_PARAMS = "params.yaml"


@dataclass(frozen=True, slots=True)
class Output:
    """A path that a stage writes, or that a top-level section lists.

    Attributes
    ----------
    path : str
        Relative to DVC's root.
    kind : {"out", "metric", "plot"}
        The section it stands in.
    cached : bool
        Whether DVC's cache keeps the content; where not, Git does.
    """

    path: str
    kind: str
    cached: bool


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage as declared.

    Attributes
    ----------
    name : str
        As DVC addresses it: ``train``, ``train@forest``, ``sub/dvc.yaml:train``.
    wdir : str
        Its working folder relative to DVC's root, which the paths in ``dvc.lock`` start from.
    command : object
        ``cmd`` as resolved: a string or a list of strings.
    outs : tuple of Output
    params : tuple of (str, tuple of str)
        Params files with the names tracked in each; none means all.
    deps : tuple of str
        Paths that it reads, relative to DVC's root.
    frozen : bool
        Whether it is not to run again, whatever its inputs became.
    """

    name: str
    wdir: str
    command: Any
    outs: tuple[Output, ...]
    params: tuple[tuple[str, tuple[str, ...]], ...]
    deps: tuple[str, ...] = ()
    frozen: bool = False


@dataclass(frozen=True)
class Declared:
    """What one ``dvc.yaml``, or all of a revision's, declare.

    Attributes
    ----------
    stages : dict of str to Stage
        By the address of the stage.
    metrics : tuple of str
        Paths, in the order of declaration.
    drawings : tuple of Drawing
        What is to be plotted.
    params : dict of str to tuple of str
        Params files with the names tracked in each; none means all.
    cached : frozenset of str
        Those of `metrics` that DVC's cache keeps rather than Git.
    used : dict of str to tuple of str
        Files that templates took values from, with the names taken.
    problems : tuple of str
        What couldn't be read.
    """

    stages: Mapping[str, Stage] = field(default_factory=dict)
    metrics: tuple[str, ...] = ()
    drawings: tuple[Drawing, ...] = ()
    params: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    cached: frozenset[str] = frozenset()
    used: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


def locate(*parts: str) -> str:
    """Join path parts from DVC's root and tidy the result."""
    return posixpath.normpath(posixpath.join(*parts).replace("\\", "/"))


def _is_local(path: str) -> bool:
    return "://" not in path and not posixpath.isabs(path)


def _entries(section: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Give path and options of a section's entries: ``- path`` or ``- path: {cache: false}``."""
    items = section if isinstance(section, list) else [section] if section else []
    for item in items:
        if isinstance(item, str):
            yield item, {}
        elif isinstance(item, Mapping):
            for path, options in item.items():
                yield str(path), options if isinstance(options, Mapping) else {}


def _outputs(stage: Mapping[str, Any], wdir: str) -> Iterator[Output]:
    for section, kind in (("outs", "out"), ("metrics", "metric"), ("plots", "plot")):
        for path, options in _entries(stage.get(section)):
            if _is_local(path):
                yield Output(locate(wdir, path), kind, options.get("cache") is not False)


def _params(section: Any, wdir: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    defaults = []
    for item in section if isinstance(section, list) else []:
        if isinstance(item, str):
            defaults.append(item)
        elif isinstance(item, Mapping):
            for path, names in item.items():
                if _is_local(str(path)):
                    yield locate(wdir, str(path)), tuple(str(name) for name in names or ())
    if defaults:
        yield locate(wdir, DEFAULT_PARAMS), tuple(defaults)


def _stages(data: Mapping[str, Any], file: str) -> Iterator[Stage]:
    """Give the stages of a resolved ``dvc.yaml``.

    Raises
    ------
    MalformedError
        Where a section isn't of the kind that DVC's schema asks for.
    """
    folder = posixpath.dirname(file)
    stages = data.get("stages") or {}
    if not isinstance(stages, Mapping):
        raise MalformedError(f"{file}: 'stages' is not a mapping")
    for name, stage in stages.items():
        if not isinstance(stage, Mapping):
            raise MalformedError(f"{file}: stage {name!r} is not a mapping")
        wdir = locate(folder, str(stage.get("wdir") or "."))
        yield Stage(
            name=f"{file}:{name}" if folder else str(name),
            wdir=wdir,
            command=stage.get("cmd"),
            outs=tuple(_outputs(stage, wdir)),
            params=tuple(_params(stage.get("params"), wdir)),
            deps=tuple(locate(wdir, p) for p, _ in _entries(stage.get("deps")) if _is_local(p)),
            frozen=stage.get("frozen") is True,
        )


def read_declaration(
    data: Any, file: str, used: Mapping[str, tuple[str, ...]] | None = None
) -> Declared:
    """Read what one resolved ``dvc.yaml`` declares.

    Parameters
    ----------
    data : object
        The parsed file without templates.
    file : str
        Its path from DVC's root.
    used : dict of str to tuple of str, optional
        Files that its templates took values from, with the names taken.

    Raises
    ------
    MalformedError
        Where a section isn't of the kind that DVC's schema asks for.
    """
    if not isinstance(data, Mapping):
        raise MalformedError(f"{file} is not a mapping")
    folder = posixpath.dirname(file)
    stages = {stage.name: stage for stage in _stages(data, file)}
    metrics: dict[str, None] = {}
    cached: set[str] = set()
    params: dict[str, tuple[str, ...]] = {}
    for stage in stages.values():
        for out in stage.outs:
            if out.kind == "metric":
                metrics[out.path] = None
                if out.cached:
                    cached.add(out.path)
        for path, names in stage.params:
            _track(params, path, names)
    for path, _ in _entries(data.get("metrics")):
        metrics[locate(folder, path)] = None
    for path, _ in _entries(data.get("params")):
        _track(params, locate(folder, path), ())
    drawings = read_drawings(
        [
            *(
                (stage.wdir, _entries(_section(data, stage.name, "plots")))
                for stage in stages.values()
            ),
            (folder, _entries(data.get("plots"))),
        ]
    )
    return Declared(stages, tuple(metrics), drawings, params, frozenset(cached), used or {})


def _section(data: Mapping[str, Any], stage: str, name: str) -> Any:
    return data["stages"][stage.rpartition(":")[2]].get(name)


def _track(params: dict[str, tuple[str, ...]], path: str, names: tuple[str, ...]) -> None:
    """Add names tracked in a params file; a whole file (no names) swallows single names."""
    if path in params and params[path] and names:
        params[path] = tuple(dict.fromkeys((*params[path], *names)))
    else:
        params[path] = names if path not in params else ()


def merge_declared(parts: list[Declared], *, default_params: bool) -> Declared:
    """Put together what a revision's ``dvc.yaml`` files declare.

    Parameters
    ----------
    parts : list of Declared
        In the order of the files' paths.
    default_params : bool
        Whether ``params.yaml`` stands at DVC's root, which DVC shows whole.
    """
    stages: dict[str, Stage] = {}
    metrics: dict[str, None] = {}
    params: dict[str, tuple[str, ...]] = {}
    for part in parts:
        stages.update(part.stages)
        metrics.update(dict.fromkeys(part.metrics))
        for path, names in part.params.items():
            _track(params, path, names)
    if default_params:
        params[DEFAULT_PARAMS] = ()
    used: dict[str, tuple[str, ...]] = {}
    for part in parts:
        for path, names in part.used.items():
            # As in DVC, what is declared goes before.
            if path not in params:
                used[path] = tuple(dict.fromkeys((*used.get(path, ()), *names)))
    params.update(used)
    return Declared(
        stages,
        tuple(metrics),
        tuple(drawing for part in parts for drawing in part.drawings),
        params,
        frozenset().union(*(part.cached for part in parts)),
        used,
        tuple(problem for part in parts for problem in part.problems),
    )
