"""The lock file of the environment: one ``name==version`` a line, as pip takes it."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

from fivefold import __version__
from fivefold.errors import ConfigError, PipelineError

__all__ = ["ENVIRONMENT", "differences", "installed", "locked", "render", "require_locked_version"]

ENVIRONMENT = "requirements.lock"

# Tools that install the others: no result depends on them.
_INSTALLERS = {"pip", "setuptools", "wheel", "uv"}


def installed() -> dict[str, str]:
    """Give the version of every installed distribution but the installers.

    Editable ones change without their version and are left out, but for Fivefold: its version
    says which code computed the results.

    Returns
    -------
    dict of str to str
        By normalised name, sorted.
    """
    found = {}
    for item in metadata.distributions():
        name = item.metadata["Name"]
        if name and not (item.read_text("direct_url.json") or "").count('"editable": true'):
            found[_normalised(name)] = item.version
    found["fivefold"] = __version__
    return {name: found[name] for name in sorted(found) if name not in _INSTALLERS}


def require_locked_version(root: Path) -> None:
    """Refuse to compute a result with another Fivefold than the project is locked to.

    Raises
    ------
    PipelineError
        The versions differ: the code may, too, and ``dvc.lock`` would not say so.
    """
    version = locked(root).get("fivefold", __version__)
    if version != __version__:
        raise PipelineError(
            "the project is locked to another version of Fivefold",
            where=ENVIRONMENT,
            got=f"fivefold {__version__}",
            allowed=f"fivefold {version}",
            hint=f"pip install fivefold=={version}; or move on: fivefold lock, dvc repro",
        )


def locked(root: Path) -> dict[str, str]:
    """Read a project's lock file; an absent one locks nothing.

    Raises
    ------
    ConfigError
        A line is not ``name==version``.
    """
    path = root / ENVIRONMENT
    versions: dict[str, str] = {}
    if not path.is_file():
        return versions
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        text = line.partition("#")[0].partition(";")[0].strip()
        if not text:
            continue
        name, separator, version = text.partition("==")
        if not separator:
            raise ConfigError(
                "the lock file of the environment takes one name==version a line",
                where=f"{ENVIRONMENT}:{number}",
                got=line,
                hint="write it anew: fivefold lock",
            )
        versions[_normalised(name.strip())] = version.strip()
    return versions


def differences(root: Path) -> list[str]:
    """Word each distribution whose installed version is not the locked one."""
    here = installed()
    return [
        f"{name} {here.get(name, 'absent')} (locked {version})"
        for name, version in locked(root).items()
        if here.get(name, version) != version
    ]


def render(versions: dict[str, str]) -> str:
    """Give the lock file's text."""
    lines = [f"{name}=={version}" for name, version in versions.items()]
    return "\n".join(["# Written by `fivefold lock`; read by pip -c and by compose.", *lines, ""])


def _normalised(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")
