"""One label per item, with the confidence in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fivefold.data.labelling.label_model import Fitted, dawid_skene
from fivefold.data.labelling.votes import Floats, Ints, Votes
from fivefold.data.values import rounded

__all__ = ["Chosen", "by_model", "by_votes", "described", "of_numbers"]

_DECIMALS = 6
# Of rules there are many rows, and a rare answer of theirs is not to be smoothed away.
_FEW = 0.01


@dataclass(frozen=True)
class Chosen:
    """The labels.

    Attributes
    ----------
    label : ndarray of int64, shape (n_units,)
        The place of the label among the classes, -1 where there is none.
    confidence : ndarray of float64, shape (n_units,)
        In [0, 1], to six decimals; NaN where there is no label.
    tied : int
        Items in which two labels have the same support.
    fitted : Fitted or None
        The model, if there was one.
    """

    label: Ints
    confidence: Floats
    tied: int
    fitted: Fitted | None = None


def by_votes(votes: Votes, tie: str, confidence: float, least: int = 1) -> Chosen:
    """Take the label with the most votes; the confidence is its share of them."""
    counts = votes.counts()
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.zeros_like(counts), where=totals > 0)
    return _chosen(shares, votes, tie, confidence, least, None)


def by_model(
    votes: Votes, tie: str, confidence: float, least: int = 1, *, abstentions: bool = False
) -> Chosen:
    """Take the most probable label by the model of Dawid and Skene."""
    fitted = dawid_skene(votes, abstentions=abstentions, smoothing=_FEW if abstentions else 1.0)
    return _chosen(fitted.posterior, votes, tie, confidence, least, fitted)


def _chosen(
    shares: Floats, votes: Votes, tie: str, confidence: float, least: int, fitted: Fitted | None
) -> Chosen:
    # Rounded before they are compared, so that a last digit decides nothing.
    shares = np.round(shares, _DECIMALS)
    best = shares.max(axis=1, initial=0.0)
    at_best = shares == best[:, None]
    tied = at_best.sum(axis=1) > 1
    label = at_best.argmax(axis=1).astype(np.int64)
    if tie == "last":
        label = shares.shape[1] - 1 - at_best[:, ::-1].argmax(axis=1).astype(np.int64)
    enough = votes.per_unit >= max(least, 1)
    kept = enough & (best >= confidence)
    if tie == "missing":
        kept &= ~tied
    return Chosen(
        np.where(kept, label, -1),
        np.where(kept, best, np.nan),
        int(votes.weight[tied & enough].sum()),
        fitted,
    )


def of_numbers(votes: Votes, how: str, least: int) -> tuple[Floats, Floats]:
    """Give the mean or median of each item's numbers, and their standard deviation.

    Returns
    -------
    tuple of ndarray, shape (n_units,)
        NaN where an item has too few; the deviation (n - 1) also where it has only one.
    """
    m = votes.per_unit
    enough = m >= max(least, 1)
    order = np.lexsort([votes.value, votes.unit])
    ordered = votes.value[order]
    start = np.concatenate([[0], np.cumsum(m)[:-1]]).astype(np.int64)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.bincount(votes.unit, weights=votes.value, minlength=votes.units) / m
        apart = (votes.value - mean[votes.unit]) ** 2
        deviation = np.sqrt(
            np.bincount(votes.unit, weights=apart, minlength=votes.units)
            / np.where(m > 1, m - 1, 0)
        )
    centre = mean
    if how == "median":
        safe = np.maximum(m, 1)
        low = ordered[np.minimum(start + (safe - 1) // 2, len(ordered) - 1)]
        high = ordered[np.minimum(start + safe // 2, len(ordered) - 1)]
        centre = (low + high) / 2
    return (
        np.where(enough, _digits(centre), np.nan),
        np.where(enough & (m > 1), _digits(deviation), np.nan),
    )


def _digits(values: Floats) -> Floats:
    return np.array([rounded(float(value)) if np.isfinite(value) else np.nan for value in values])


def described(chosen: Chosen, votes: Votes, abstentions: bool = False) -> dict[str, Any]:
    """Describe the consensus: what was labelled, and what the model believes of the sources."""
    labelled = chosen.label >= 0
    weight = votes.weight[labelled]
    report: dict[str, Any] = {
        "labelled": int(weight.sum()),
        "tied": chosen.tied,
        "mean_confidence": rounded(
            float(np.average(chosen.confidence[labelled], weights=weight)), _DECIMALS
        )
        if labelled.any()
        else None,
    }
    fitted = chosen.fitted
    if fitted is None:
        return report
    names = [str(name) for name in votes.classes]
    answers = [*names, "nothing"] if abstentions else names
    report["rounds"] = fitted.rounds
    report["converged"] = fitted.converged
    report["class_shares"] = {
        n: round(float(p), 4) for n, p in zip(names, fitted.prior, strict=True)
    }
    report["answers"] = answers
    report["confusion"] = {
        source: {
            name: [round(float(p), 4) for p in fitted.confusion[s, c]]
            for c, name in enumerate(names)
        }
        for s, source in enumerate(votes.sources)
    }
    return report
