"""A hash of the code that a stage runs, so that DVC sees a change of it.

What counts: the stage's module, the modules of ours that read and write its files, the functions
that its section names by ``_target_``, and all that these import, as far as it is ours or the
user's; of the installed packages they import, the version in ``requirements.lock``. Comments,
docstrings and blank lines do not count.
"""

from __future__ import annotations

import ast
import hashlib
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
from fivefold.pipeline.targets import module_of, origin, targets

__all__ = ["code_text", "fingerprint"]

_HOLDERS = (ast.stmt, ast.ExceptHandler, ast.match_case)


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
    roots = [stage.module, *modules_of(kinds), *(module_of(name) for _, name in targets(section))]
    files, packages = _closure(roots, own.resolve())
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(f"{name}\n{code_text(files[name])}\n".encode())
    for name in sorted(packages):
        for distribution in _distributions().get(name, ()):
            if distribution in versions:
                digest.update(f"{distribution}=={versions[distribution]}\n".encode())
    return digest.hexdigest()[:16]


@cache
def code_text(path: Path) -> str:
    """Give a module's source without comments, docstrings and blank lines.

    The text is kept otherwise as it stands, because tokens and syntax trees differ between Python
    versions and the fingerprint must not.
    """
    source = path.read_text(encoding="utf-8")
    try:
        lines = source.splitlines()
        dropped: set[int] = set()
        for start, end in _docstrings(_parsed(path)):
            dropped.update(range(start, end + 1))
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.COMMENT:
                row, column = token.start
                lines[row - 1] = lines[row - 1][:column]
    except (SyntaxError, tokenize.TokenError):
        return source
    kept = (line.rstrip() for row, line in enumerate(lines, 1) if row not in dropped)
    return "\n".join(line for line in kept if line)


@cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_bytes())


def _docstrings(tree: ast.Module) -> Iterator[tuple[int, int]]:
    waiting: list[ast.AST] = [tree]
    for node in waiting:
        # Only statements hold definitions; expressions are the bulk of a tree.
        waiting += [child for child in ast.iter_child_nodes(node) if isinstance(child, _HOLDERS)]
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
        file = origin(name)
        ours = file is not None and file.suffix == ".py"
        if file is None or not ours or not _counts(name, file, own):
            packages.add(name.split(".")[0])
            continue
        files[name] = file
        waiting.extend(_imports(file, name))
    return files, packages


def _counts(name: str, file: Path, own: Path) -> bool:
    return name.split(".")[0] == "fivefold" or own in file.parents


@cache
def _imports(path: Path, module: str) -> tuple[str, ...]:
    """Name what a module imports, wherever in it, except for type checking only."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    found: list[str] = []
    stack: list[ast.AST] = [_parsed(path)]
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
                    if origin(f"{source}.{alias.name}") is not None:
                        found.append(f"{source}.{alias.name}")  # noqa: PERF401 - reads better
    return tuple(dict.fromkeys(found))


@cache
def _distributions() -> Mapping[str, tuple[str, ...]]:
    return {
        name: tuple(sorted({item.lower().replace("_", "-") for item in items}))
        for name, items in metadata.packages_distributions().items()
    }
