"""Where a project is, and its YAML files with the line of every key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from fivefold.errors import ConfigError, PipelineError

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # pragma: no cover - PyYAML without libyaml
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

__all__ = ["deepest", "find_root", "line_of", "load_yaml", "load_yaml_file"]


def find_root(start: Path) -> Path:
    """Give the nearest folder from ``start`` upwards that holds ``dvc.yaml``.

    Raises
    ------
    PipelineError
        There is none.
    """
    for folder in (start, *start.parents):
        if (folder / "dvc.yaml").is_file():
            return folder
    raise PipelineError(
        "this is not a Fivefold project: no dvc.yaml here or above",
        where=str(start),
        hint="cd into a project, or make one: fivefold new",
    )


def load_yaml(text: str, where: str) -> Any:
    """Parse YAML, raising a :class:`ConfigError` that names the line.

    Raises
    ------
    ConfigError
        The text is not YAML.
    """
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise ConfigError(
            f"not valid YAML: {getattr(error, 'problem', None) or error}",
            where=f"{where}:{mark.line + 1}:{mark.column + 1}" if mark else where,
        ) from None


def load_yaml_file(path: Path, where: str | None = None) -> Any:
    """Parse a YAML file; see :func:`load_yaml`."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError("not valid UTF-8", where=where or str(path), got=str(error)) from None
    return load_yaml(text, where or path.name)


def line_of(text: str, path: list[str]) -> int | None:
    """Give the line, from 1, of a key or list item in a YAML text, or of its nearest ancestor.

    Parameters
    ----------
    text : str
        YAML.
    path : list of str
        Keys from the top; a list item is named by its text, by its key if it is a mapping, or by
        its number.
    """
    return deepest(text, path)[1]


def deepest(text: str, path: list[str]) -> tuple[int, int | None]:
    """Follow a path of keys into a YAML text as far as it goes: the depth reached, and the line."""
    node = yaml.compose(text, Loader=_Loader)
    line = None
    for depth, key in enumerate(path):
        for name, mark_line, child in _children(node):
            if name == key:
                line, node = mark_line + 1, child
                break
        else:
            return depth, line
    return len(path), line


def _children(node: Any) -> Iterator[tuple[str, int, Any]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield str(key.value), key.start_mark.line, value
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            if isinstance(item, yaml.ScalarNode):
                yield str(item.value), item.start_mark.line, item
            elif isinstance(item, yaml.MappingNode) and item.value:
                yield str(item.value[0][0].value), item.start_mark.line, item.value[0][1]
            yield str(number), item.start_mark.line, item
