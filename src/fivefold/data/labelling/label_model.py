"""Which label is likely, given votes of unknown quality: the model of Dawid and Skene.

Dawid and Skene (1979), *Applied Statistics* 28(1): each source has a matrix of what it says given
the true label; matrices and labels are estimated in turn (EM), from the shares of the votes on.
Here an abstention can be one of the things said, so that a rule that only ever gives one label is
informative by where it gives it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivefold.data.labelling.votes import Floats, Ints, Votes

__all__ = ["Fitted", "dawid_skene"]

_MOST_ROUNDS = 500
_CLOSE = 1e-5


@dataclass(frozen=True)
class Fitted:
    """The estimates.

    Attributes
    ----------
    posterior : ndarray, shape (n_units, n_classes)
        The probability of each label of each item.
    prior : ndarray, shape (n_classes,)
        The share of each label.
    confusion : ndarray, shape (n_sources, n_classes, n_answers)
        What a source says (a class, then perhaps an abstention), given the true label.
    rounds : int
        How many it took.
    converged : bool
        Did the estimates come to rest?
    """

    posterior: Floats
    prior: Floats
    confusion: Floats
    rounds: int
    converged: bool


def dawid_skene(votes: Votes, *, abstentions: bool = False, smoothing: float = 1.0) -> Fitted:
    """Fit the model; there is no chance in it.

    Parameters
    ----------
    votes : Votes
        One item has one at least.
    abstentions : bool
        Is it an answer of a source to say nothing of an item? Else it was not asked. Then items of
        which nobody says anything count, too: they tell what silence means.
    smoothing : float
        Added to each count, so that a source that was never seen to err still may. 1 steadies the
        matrices of people who labelled a few dozen items each; rules see many more.
    """
    k = len(votes.classes)
    unit, source, value = votes.unit, votes.source, votes.value
    answers = k
    if abstentions:
        silent = np.argwhere(votes.table(np.arange(len(votes.sources))) < 0)
        unit = np.concatenate([unit, silent[:, 0]])
        source = np.concatenate([source, silent[:, 1]])
        value = np.concatenate([value, np.full(len(silent), k)])
        answers = k + 1
    cell = source * answers + value
    counts = votes.counts()
    totals = counts.sum(axis=1, keepdims=True)
    shares = (counts * votes.weight[:, None]).sum(axis=0)
    unknown = np.tile(shares / shares.sum(), (votes.units, 1))
    posterior = np.divide(counts, totals, out=unknown, where=totals > 0)
    for rounds in range(1, _MOST_ROUNDS + 1):
        weighted = posterior * votes.weight[:, None]
        prior = weighted.sum(axis=0) + smoothing
        prior /= prior.sum()
        size = len(votes.sources) * answers
        cells = np.empty((k, size))
        for label in range(k):
            cells[label] = np.bincount(cell, weights=weighted[unit, label], minlength=size)
        said = cells.reshape(k, len(votes.sources), answers).transpose(1, 0, 2) + smoothing
        rows = said.sum(axis=2, keepdims=True)
        confusion = np.divide(said, rows, out=np.zeros_like(said), where=rows > 0)
        before, posterior = posterior, _expected(votes.units, unit, source, value, prior, confusion)
        if np.abs(posterior - before).max(initial=0.0) < _CLOSE:
            return Fitted(posterior, prior, confusion, rounds, converged=True)
    return Fitted(posterior, prior, confusion, rounds, converged=False)


def _expected(
    units: int,
    unit: Ints,
    source: Ints,
    value: NDArray[Any],
    prior: Floats,
    confusion: Floats,
) -> Floats:
    with np.errstate(divide="ignore"):
        logs = np.maximum(np.log(confusion), -1e3)
        likely = np.maximum(np.log(prior), -1e3)
    scores = np.stack(
        [
            likely[label] + np.bincount(unit, weights=logs[source, label, value], minlength=units)
            for label in range(len(prior))
        ],
        axis=1,
    )
    scores -= scores.max(axis=1, keepdims=True)
    odds: Floats = np.exp(scores)
    odds /= odds.sum(axis=1, keepdims=True)
    return odds
