"""DVC's settings: where the cache and the remotes are. DVC itself is not imported."""

from __future__ import annotations

import configparser
import os
import re
from dataclasses import dataclass
from pathlib import Path

__all__ = ["DvcConfig"]

_REMOTE = re.compile(r"""'?remote\s+"(?P<name>.+)"'?""")


@dataclass(frozen=True)
class DvcConfig:
    """What DVC's four config files say together, the nearest one winning.

    Attributes
    ----------
    cache : Path or None
        The folder of the cache, where it was moved.
    remote : str or None
        The name of the default remote.
    url : str or None
        Where that remote is: an address, or a folder.
    """

    cache: Path | None = None
    remote: str | None = None
    url: str | None = None

    @classmethod
    def of(cls, root: Path) -> DvcConfig:
        """Read the settings of the system, the user, the repository and this clone."""
        cache: Path | None = None
        remote: str | None = None
        urls: dict[str, str] = {}
        own = root / ".dvc"
        places = [folder / "config" for folder in _shared()]
        for file in (*places, own / "config", own / "config.local"):
            settings = configparser.ConfigParser(interpolation=None, strict=False)
            try:
                settings.read(file, encoding="utf-8")
            except (configparser.Error, UnicodeDecodeError):
                # DVC will complain; what doesn't need its data still works.
                continue
            moved = _value(settings, "cache", "dir")
            if moved:
                cache = file.parent / Path(moved).expanduser()
            remote = _value(settings, "core", "remote") or remote
            for section in settings.sections():
                named = _REMOTE.fullmatch(section)
                url = _value(settings, section, "url") if named else None
                if named and url:
                    urls[named["name"]] = _located(url, file.parent)
        return cls(cache, remote, urls.get(remote) if remote else None)

    @property
    def folder(self) -> Path | None:
        """The default remote's folder, where it is one on this machine."""
        if self.url is None or "://" in self.url:
            return None
        return Path(self.url)


def _shared() -> list[Path]:
    """Give the folders of the system's and the user's settings."""
    import platformdirs

    return [
        Path(os.environ.get("DVC_SYSTEM_CONFIG_DIR") or platformdirs.site_config_dir(*_DVC)),
        Path(os.environ.get("DVC_GLOBAL_CONFIG_DIR") or platformdirs.user_config_dir(*_DVC)),
    ]


_DVC = ("dvc", "iterative")


def _value(settings: configparser.ConfigParser, section: str, key: str) -> str | None:
    value = settings.get(section, key, fallback=None)
    return value.strip("'\"") if value else None


def _located(url: str, folder: Path) -> str:
    """Make a folder absolute; DVC writes it relative to the file that names it."""
    url = url.removeprefix("file://")
    return url if "://" in url else str(folder / Path(url).expanduser())
