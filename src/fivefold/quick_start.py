"""Starts the command line without the libraries that only odd arguments need.

Typer builds a pydantic schema for every option of a command, given or not: about 0.1 s, a third of
what reading a history of ten thousand commits takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from enum import Enum
from typing import Any

import typer

__all__ = ["only_asked", "quicken"]


def only_asked(app: typer.Typer, arguments: Sequence[str]) -> typer.Typer:
    """Leave out the commands that weren't asked for, which Typer would build all the same.

    Parameters
    ----------
    app : typer.Typer
    arguments : sequence of str
        Those of the command line.

    Returns
    -------
    typer.Typer
        The same one unless the first argument is the name of a command.
    """
    first = arguments[0] if arguments else None
    commands = [
        c
        for c in app.registered_commands
        if first == (c.name or (c.callback and c.callback.__name__.replace("_", "-")))
    ]
    groups = [group for group in app.registered_groups if group.name == first]
    if not commands and not groups:
        return app
    asked = copy(app)
    asked.registered_commands, asked.registered_groups = commands, groups
    return asked


def quicken(command: Any) -> Any:
    """Let a command take texts, choices and defaults as they are; the rest is Typer's.

    Parameters
    ----------
    command : typer.core.TyperCommand or typer.core.TyperGroup
        With all its commands below.

    Returns
    -------
    command
        The same.
    """
    context = command.context_class(command)
    # Among them is --help, which is in no list.
    for parameter in command.get_params(context):
        # Only the Typer that builds schemas has this method.
        if hasattr(parameter, "get_runtime_param"):
            quick = _Quick(parameter.type_descriptor.annotation, parameter.get_runtime_param)
            parameter.get_runtime_param = quick
    for inner in getattr(command, "commands", {}).values():
        quicken(inner)
    return command


class _Quick:
    """Stands for a schema, and has it built only for a value that needs it."""

    def __init__(self, annotation: Any, schema: Any) -> None:
        self._annotation = annotation
        self._schema = schema

    def __call__(self) -> _Quick:
        """Give the schema."""
        return self

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """Give a value of the parameter's type."""
        annotation = self._annotation
        if value is None:
            return () if param.multiple or param.nargs == -1 else None
        if isinstance(annotation, type) and type(value) is annotation:
            return value
        if annotation == list[str] and isinstance(value, (list, tuple)):
            return [str(item) for item in value]
        if isinstance(annotation, type) and issubclass(annotation, Enum):
            for choice in annotation:
                if value == choice.value:
                    return choice
        return self._schema().coerce(value, param=param, ctx=ctx)
