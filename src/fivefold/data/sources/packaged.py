"""Files that an installed Python package carries."""

from __future__ import annotations

import importlib.util
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import Any

from fivefold.data.sources.content import Reading
from fivefold.data.sources.formats import read_file
from fivefold.data.sources.options import FormatOptions
from fivefold.errors import SourceError, nearest

__all__ = ["package_resource"]


def package_resource(
    package: str,
    path: str,
    version: str | None = None,
    **options: Any,
) -> Reading:
    """Read a data file of an installed Python package, without importing the package.

    Parameters
    ----------
    package : str
        The package's name, as pip installs it.
    path : str
        The file, relative to the package's folder, with forward slashes.
    version : str, optional
        The version it must have.
    **options
        How to read it: see :class:`fivefold.data.sources.options.FormatOptions`.

    Raises
    ------
    SourceError
        The package is not installed, has another version, or has no such file.
    """
    requirement = f"{package}=={version}" if version else package
    try:
        installed = metadata.version(package)
    except metadata.PackageNotFoundError:
        raise SourceError(
            f"the package {package!r} is not installed",
            where="package",
            got=package,
            hint=f"pip install '{requirement}'",
        ) from None
    if version and installed != version:
        raise SourceError(
            f"the package {package!r} has another version",
            where="version",
            got=installed,
            allowed=version,
            hint=f"pip install '{requirement}', or set version: {installed} in conf/",
        )
    folder = _folder(package)
    file = folder.joinpath(*PurePosixPath(path).parts)
    shown = f"{package}/{path}"
    if not file.is_file():
        files = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
        raise SourceError(
            f"the package {package!r} has no such file",
            where="path",
            got=path,
            hint=nearest(path, files),
        )
    return read_file(file, shown, FormatOptions.of(options))


def _folder(package: str) -> Path:
    """Give the folder a distribution installs: find_spec looks for it without importing it."""
    names = metadata.distribution(package).read_text("top_level.txt")
    for name in [package.replace("-", "_"), *(names or "").split()]:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations:
            return Path(spec.submodule_search_locations[0])
    raise SourceError("the package has no folder of its own", where="package", got=package)
