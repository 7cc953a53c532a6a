"""Puts the menu of config groups that Fivefold ships on Hydra's search path."""

from hydra.core.config_search_path import ConfigSearchPath
from hydra.plugins.search_path_plugin import SearchPathPlugin

__all__ = ["FivefoldSearchPath"]


class FivefoldSearchPath(SearchPathPlugin):
    """Appends ``pkg://fivefold.conf``: a project's own file of the same name comes first."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Append the menu."""
        search_path.append(provider="fivefold", path="pkg://fivefold.conf")
