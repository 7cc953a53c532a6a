"""A hash of the code that a stage runs, so that DVC sees a change of it.

What counts: the stage's module, the modules of ours that read and write its files, the functions
that its section names by ``_target_``, and all that these import, as far as it is ours or the
user's; of the installed packages they import, the version in ``requirements.lock``. Comments,
docstrings and blank lines do not count.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import io
import tokenize
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from fivefold.pipeline.artifacts import modules_of
from fivefold.pipeline.declare import Stage
from fivefold.pipeline.stages import input_output

__all__ = ["code_text", "fingerprint", "targets"]


def fingerprint(
    stage: Stage, section: Mapping[str, Any], own: Path, versions: Mapping[str, str]
) -> str:
    """Hash the code of one stage.

    Parameters
    ----------
    stage : Stage
        The stage.
    section : mapping
        Its composed parameters, searched for ``_target_``.
    own : Path
        The project's ``src/``: modules in it count by their text.
    versions : mapping of str to str
        Locked version of each distribution, by normalised name.

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    kinds = [output.kind for output in stage.outputs.values()]
    kinds += [input_output(reference).kind for reference in stage.inputs.values()]
    roots = [stage.module, *modules_of(kinds), *(module_of(name) for name in targets(section))]
    files, packages = _closure(roots, own.resolve())
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(f"{name}\n{code_text(files[name])}\n".encode())
    for name in sorted(packages):
        for distribution in _distributions().get(name, ()):
            if distribution in versions:
                digest.update(f"{distribution}=={versions[distribution]}\n".encode())
    return digest.hexdigest()[:16]


def targets(value: Any) -> Iterator[str]:
    """Give every ``_target_`` in nested plain values."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key == "_target_" and isinstance(item, str):
                yield item
            else:
                yield from targets(item)
    elif isinstance(value, list):
        for item in value:
            yield from targets(item)


def module_of(dotted: str) -> str:
    """Give the module part of a dotted name: the longest prefix that is a module."""
    parts = dotted.split(".")
    for length in range(len(parts), 0, -1):
        name = ".".join(parts[:length])
        if _origin(name) is not None:
            return name
    return parts[0]


def code_text(path: Path) -> str:
    """Give a module's source without comments, docstrings and blank lines.

    The text is kept otherwise as it stands, because tokens and syntax trees differ between Python
    versions and the fingerprint must not.
    """
    source = path.read_text(encoding="utf-8")
    try:
        lines = source.splitlines()
        dropped: set[int] = set()
        for start, end in _docstrings(ast.parse(source)):
            dropped.update(range(start, end + 1))
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.COMMENT:
                row, column = token.start
                lines[row - 1] = lines[row - 1][:column]
    except (SyntaxError, tokenize.TokenError):
        return source
    kept = (line.rstrip() for row, line in enumerate(lines, 1) if row not in dropped)
    return "\n".join(line for line in kept if line)


def _docstrings(tree: ast.AST) -> Iterator[tuple[int, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                yield first.lineno, first.end_lineno or first.lineno


def _closure(roots: Iterable[str], own: Path) -> tuple[dict[str, Path], set[str]]:
    """Follow imports from the roots: our modules by name to file, and foreign top-level names."""
    files: dict[str, Path] = {}
    packages: set[str] = set()
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name in files:
            continue
        origin = _origin(name)
        if origin is None or not (name.split(".")[0] == "fivefold" or own in origin.parents):
            packages.add(name.split(".")[0])
            continue
        files[name] = origin
        waiting.extend(_imports(origin, name))
    return files, packages


@cache
def _origin(name: str) -> Path | None:
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        # A package without __init__, an extension, a built-in: nothing of ours to read.
        return Path(spec.origin) if spec and spec.origin else None
    return Path(spec.origin).resolve()


@cache
def _imports(path: Path, module: str) -> tuple[str, ...]:
    """Name what a module imports, wherever in it, except for type checking only."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    found: list[str] = []
    stack: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            stack.extend(node.orelse)
            continue
        stack.extend(ast.iter_child_nodes(node))
        if isinstance(node, ast.Import):
            found.extend(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")
            prefix = ".".join(base[: len(base) - node.level + 1]) if node.level else ""
            source = ".".join(part for part in (prefix, node.module or "") if part)
            found.append(source)
            if source.split(".")[0] in ("fivefold", module.split(".")[0]):
                for alias in node.names:
                    if _origin(f"{source}.{alias.name}") is not None:
                        found.append(f"{source}.{alias.name}")  # noqa: PERF401 - reads better
    return tuple(dict.fromkeys(found))


@cache
def _distributions() -> Mapping[str, tuple[str, ...]]:
    return {
        name: tuple(sorted({item.lower().replace("_", "-") for item in items}))
        for name, items in metadata.packages_distributions().items()
    }
