"""The model card and the data card, filled from what the other stages found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fivefold.errors import ConfigError
from fivefold.objective import Objective
from fivefold.table import TableSchema

__all__ = ["DocumentConfig", "Documented", "document"]


@dataclass(frozen=True)
class DocumentConfig:
    """What the cards say beside what was found.

    Attributes
    ----------
    license, data_license : str or None
        Of the model and of the data, by the hub's identifiers, such as ``apache-2.0`` or
        ``cc-by-4.0``.
    tags : list of str
        For the hub's search.
    out_of_scope : list of str
        What the model must not be used for, a sentence each.
    citation : str
        How the model is cited.
    """

    license: str | None = None
    data_license: str | None = None
    tags: list[str] = field(default_factory=list)
    out_of_scope: list[str] = field(default_factory=list)
    citation: str = ""

    def __post_init__(self) -> None:
        for name, value in (("license", self.license), ("data_license", self.data_license)):
            if value is not None and (value != value.lower() or " " in value or not value):
                raise ConfigError(
                    "a licence is named by its identifier",
                    where=f"document.{name}",
                    got=value,
                    allowed="lower case without spaces, such as apache-2.0, mit or cc-by-4.0",
                    hint="the hub lists them: https://huggingface.co/docs/hub/repositories-licenses",
                )


@dataclass(frozen=True)
class Documented:
    """The cards.

    Attributes
    ----------
    model_card, data_card : str
        Markdown with a block of metadata in YAML above it.
    """

    model_card: str
    data_card: str


def document(
    charter: Mapping[str, Any],
    sources: Mapping[str, Any],
    audit: Mapping[str, Any],
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
    """Write the cards from what the other stages found; what they lack is left out."""
    from fivefold.model.cards.data_card import data_card
    from fivefold.model.cards.model_card import Findings, model_card

    found = Findings(
        charter, split, schema, objective, fitted, metrics, evaluation, diagnosis, assessment,
        explanation,
    )  # fmt: skip
    return Documented(
        model_card=model_card(found, config),
        data_card=data_card(charter, sources, audit, validation, split, schema, objective, config),
    )
