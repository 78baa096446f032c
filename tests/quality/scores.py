"""How near answers are to gold ones: F1 of bags, areas and rates of yes-or-no answers, and how far a finish time may be off."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence

from sklearn.metrics import roc_auc_score

UNIT_DECIMALS = 10
"""A finish time in units without a fixed length is told to one decimal."""


def f1(found: Iterable[Hashable], gold: Iterable[Hashable]) -> float:
    """Harmonic mean of precision and recall of two bags, 0 to 1; 1 when both are empty."""
    left, right = Counter(found), Counter(gold)
    size = left.total() + right.total()
    return 2 * (left & right).total() / size if size else 1.0


def edges_by_name(edges: Iterable[tuple[str, str]], names: Mapping[str, str]) -> list[tuple[str, str]]:
    """Edges between tasks as edges between the names of their tools."""
    return [(names[start], names[end]) for start, end in edges]


def balanced_accuracy(said: Sequence[bool], gold: Sequence[bool]) -> float:
    """Mean of the share of true ones that were said and the share of false ones that were not, 0 to 1; of one kind alone, its share."""
    shares = [
        sum(one == kind for one, other in zip(said, gold, strict=True) if other is kind) / gold.count(kind)
        for kind in (True, False)
        if kind in gold
    ]
    return sum(shares) / len(shares) if shares else 0.0


def auroc(scores: Sequence[float], gold: Sequence[bool]) -> float:
    """Area under the ROC curve, 0 to 1: how often a true one has a higher score than a false one; 0.5 of one kind alone."""
    return float(roc_auc_score(gold, scores)) if len(set(gold)) == 2 else 0.5


def best_threshold(scores: Sequence[float], gold: Sequence[bool]) -> float:
    """The score from which on to say yes so that the balanced accuracy is highest; the lowest of equals."""
    total, true = len(gold), sum(gold)
    if true in {0, total}:
        return 0.0
    best, at = -1.0, 0.0
    missed = passed = 0
    pairs = sorted(zip(scores, gold, strict=True))
    for place, (score, yes) in enumerate(pairs):
        if place == 0 or score > pairs[place - 1][0]:
            accuracy = ((true - missed) / true + passed / (total - true)) / 2
            if accuracy > best:
                best, at = accuracy, score
        missed, passed = missed + yes, passed + (not yes)
    return at


def threshold_at(scores: Sequence[float], rate: float) -> float:
    """The lowest score from which on at most this share of `scores` would alarm; above all of them when that is none."""
    ranked = sorted(scores, reverse=True)
    allowed = int(rate * len(ranked))
    return ranked[allowed] + 1e-9 if allowed < len(ranked) else 0.0


def rounding_of(durations: Mapping[str, tuple[str, tuple[float, float]]], end: int) -> float:
    """How many seconds a finish time may be off for its rounding alone.

    `durations` are the words a duration is told in, and its seconds at least and at most; `end` is 0 for least, 1 for most. All units
    have a fixed length but those whose least and most differ, months and years: with one of them the finish time is a number of the
    longest such unit, told to one decimal, so that it may be off by a tenth of it. Without one it is exact.
    """
    lengths = [
        seconds[end] / float(amount)
        for words, seconds in durations.values()
        if seconds[0] != seconds[1] and (amount := words.split()[0]).replace(".", "", 1).isdigit() and float(amount) > 0
    ]
    return max(lengths, default=0.0) / UNIT_DECIMALS
