"""The part of GitHub's published API description that is used, as a document of its own.

The whole one is 13 MB, which the mock server takes half a minute to read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

OPERATIONS = {
    "/user": ("get",),
    "/repos/{owner}/{repo}": ("get",),
    "/repos/{owner}/{repo}/issues/{issue_number}/comments": ("get", "post"),
    "/repos/{owner}/{repo}/issues/comments/{comment_id}": ("patch",),
    "/repos/{owner}/{repo}/pulls": ("get", "post"),
    "/repos/{owner}/{repo}/pulls/{pull_number}": ("get", "patch"),
    "/repos/{owner}/{repo}/check-runs": ("post",),
    "/repos/{owner}/{repo}/check-runs/{check_run_id}": ("patch",),
    "/repos/{owner}/{repo}/commits/{ref}/check-runs": ("get",),
}


def cut(path: Path) -> dict[str, Any]:
    """Keep the operations that are used and what they refer to, made strict.

    A key that a request's body doesn't declare is refused, where GitHub lets it pass: it would be
    a mistake of ours.
    """
    whole = json.loads(path.read_text(encoding="utf-8"))
    paths = {
        name: {method: whole["paths"][name][method] for method in methods}
        for name, methods in OPERATIONS.items()
    }
    for operation in (operation for item in paths.values() for operation in item.values()):
        for content in operation.get("requestBody", {}).get("content", {}).values():
            if "properties" in content["schema"]:
                content["schema"].setdefault("additionalProperties", False)
    components: dict[str, dict[str, Any]] = {}
    waiting = list(_references(paths))
    while waiting:
        kind, name = waiting.pop()
        if name not in components.setdefault(kind, {}):
            components[kind][name] = whole["components"][kind][name]
            waiting.extend(_references(components[kind][name]))
    return {
        "openapi": whole["openapi"],
        "info": whole["info"],
        "paths": paths,
        "components": components,
    }


def declared_query(document: dict[str, Any], method: str, path: str) -> set[str] | None:
    """Name the query's keys that an operation declares; None where there is no such operation."""
    for template, item in document["paths"].items():
        form = re.sub(r"\{[^}]+\}", "[^/]+", template)
        if re.fullmatch(form, path) and method.lower() in item:
            return set(_query(document, item[method.lower()]))
    return None


def _query(document: dict[str, Any], operation: dict[str, Any]) -> Iterator[str]:
    for parameter in operation.get("parameters", ()):
        found = parameter
        if "$ref" in parameter:
            kind, name = parameter["$ref"].removeprefix("#/components/").split("/")
            found = document["components"][kind][name]
        if found["in"] == "query":
            yield found["name"]


def _references(node: Any) -> Iterator[tuple[str, str]]:
    if isinstance(node, dict):
        reference = node.get("$ref")
        if isinstance(reference, str):
            kind, name = reference.removeprefix("#/components/").split("/")
            yield kind, name
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)
