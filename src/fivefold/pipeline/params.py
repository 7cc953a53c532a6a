"""The text of ``params.yaml``: as composed, and as left by a merge until it is composed anew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from fivefold.errors import ConfigError
from fivefold.pipeline.project import load_yaml

__all__ = ["is_merged", "read_params", "render_merged", "render_params"]

_COMPOSED = """\
# Composed from conf/ and overrides.yaml by `dvc repro`. An edit here is refused: edit conf/.
"""
_MERGED = """\
# Merged by Git, key by key, until `dvc repro` composes it anew from conf/. An edit here is lost.
"""


def render_params(params: Mapping[str, Any]) -> str:
    """Give the text of ``params.yaml``."""
    return _COMPOSED + _dump(params)


def render_merged(params: Mapping[str, Any]) -> str:
    """Give the text of a ``params.yaml`` that a merge made and nothing composed."""
    return _MERGED + _dump(params)


def is_merged(text: str) -> bool:
    """Tell whether a merge made this ``params.yaml``, so that no run vouches for it."""
    return text.startswith(_MERGED)


def read_params(text: str, where: str) -> dict[str, Any]:
    """Parse a ``params.yaml``; an empty one has no parameter.

    Raises
    ------
    ConfigError
        It is not a mapping in YAML.
    """
    params = load_yaml(text, where) or {}
    if not isinstance(params, dict):
        raise ConfigError("not a mapping", where=where, got=type(params).__name__)
    return params


def _dump(params: Mapping[str, Any]) -> str:
    return yaml.safe_dump(
        dict(params), sort_keys=False, allow_unicode=True, default_flow_style=False, width=100
    )
