"""The model card and the data card, filled from what the other stages found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fivefold.objective import Objective
from fivefold.table import TableSchema

__all__ = ["DocumentConfig", "Documented", "document"]


@dataclass(frozen=True)
class DocumentConfig:
    """What the cards say beside what was found."""


@dataclass(frozen=True)
class Documented:
    """The two cards, in Markdown."""

    model_card: str
    data_card: str


def document(
    charter: Mapping[str, Any],
    sources: Mapping[str, Any],
    audit: Any,
    validation: Mapping[str, Any],
    split: Mapping[str, Any],
    schema: TableSchema,
    objective: Objective,
    fitted: Mapping[str, Any],
    metrics: Mapping[str, Any],
    evaluation: Mapping[str, Any],
    diagnosis: Mapping[str, Any],
    assessment: Mapping[str, Any],
    explanation: Mapping[str, Any],
    config: DocumentConfig,
) -> Documented:
    """Write the cards."""
    from fivefold.model.card import model_card

    return Documented(
        model_card=model_card(fitted, metrics, evaluation, schema, objective),
        data_card=f"# Data card: {objective.name}\n",
    )
