"""The functions that ``conf/`` names by ``_target_``: found, and known to exist, without a run.

Modules are read as text and never imported here: composing must be quick, and must run no code.
"""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Any

from fivefold.errors import ConfigError, nearest

__all__ = ["module_of", "origin", "require_targets", "targets"]


def targets(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Give the place and the dotted name of every ``_target_`` in nested plain values."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            inner = f"{path}.{key}" if path else str(key)
            if key == "_target_" and isinstance(item, str):
                yield inner, item
            else:
                yield from targets(item, inner)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from targets(item, f"{path}.{number}" if path else str(number))


def require_targets(section: Mapping[str, Any], path: str) -> None:
    """Refuse a dotted name that leads to no module, or to no name in it.

    Raises
    ------
    ConfigError
        With the nearest name.
    """
    for place, dotted in targets(section, path):
        module = module_of(dotted)
        file = origin(module)
        rest = dotted.removeprefix(module).strip(".")
        if file is None or not rest:
            raise ConfigError(
                "the dotted name leads to no function" if file else "no module has this name",
                where=place,
                got=dotted,
                allowed="package.module.function, importable here or in the project's src/",
                hint=_install_hint(dotted) if file is None else "name a function or class in it",
            )
        names = _names(file)
        name = rest.split(".")[0]
        if names is not None and name not in names:
            known = [item for item in names if not item.startswith("_")]
            raise ConfigError(
                f"the module {module!r} has no {name!r}",
                where=place,
                got=dotted,
                hint=nearest(name, known) or f"it has {', '.join(known[:12])}",
            )


def module_of(dotted: str) -> str:
    """Give the module part of a dotted name: the longest prefix that is a module."""
    parts = dotted.split(".")
    for length in range(len(parts), 0, -1):
        name = ".".join(parts[:length])
        if origin(name) is not None:
            return name
    return parts[0]


def origin(name: str) -> Path | None:
    """Give the file of a module by its dotted name, or None where there is no such module."""
    spec = _spec(name)
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).resolve() if spec.origin.endswith(".py") else Path(spec.origin)


@cache
def _spec(name: str) -> ModuleSpec | None:
    parent, _, _ = name.rpartition(".")
    try:
        if not parent:
            return importlib.util.find_spec(name)
        # importlib.util.find_spec would import the parent, and so run its code.
        above = _spec(parent)
        if above is None or above.submodule_search_locations is None:
            return None
        return PathFinder.find_spec(name, list(above.submodule_search_locations))
    except (ImportError, ValueError):
        return None


def _install_hint(dotted: str) -> str:
    package = dotted.split(".")[0]
    extras = {
        "cleanlab": "labels",
        "duckdb": "duckdb",
        "lightgbm": "boosting",
        "xgboost": "boosting",
    }
    if package in extras:
        return f"pip install 'fivefold[{extras[package]}]'"
    return f"pip install what holds {package!r}, or mend the name"


@cache
def _names(file: Path) -> tuple[str, ...] | None:
    """Name what a module defines or imports at its top level; None where only running it tells."""
    if file.suffix != ".py":
        return None
    found: list[str] = []
    waiting: list[ast.stmt] = list(ast.parse(file.read_bytes()).body)
    for node in waiting:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.append(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found += [(alias.asname or alias.name).split(".")[0] for alias in node.names]
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            places = node.targets if isinstance(node, ast.Assign) else [node.target]
            found += [
                item.id
                for place in places
                for item in ast.walk(place)
                if isinstance(item, ast.Name)
            ]
        elif isinstance(node, ast.If | ast.Try | ast.With):
            waiting += [
                item for item in ast.walk(node) if isinstance(item, ast.stmt) and item is not node
            ]
    return None if "*" in found or "__getattr__" in found else tuple(dict.fromkeys(found))
