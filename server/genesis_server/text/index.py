"""A lexical index: which of some texts is nearest to a query.

TF-IDF with sublinear term frequency and cosine similarity (Salton & Buckley 1988), over an inverted index in numpy, so that a
query touches only the texts that share a word with it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain

import numpy as np
import numpy.typing as npt

FEW = 32
"""A term that fewer texts have is rare."""
MOST_AT_ONCE = 500_000
"""Postings and scores that are worked on at once; 40 bytes each while it lasts."""

Scores = npt.NDArray[np.float64]


class LexicalIndex:
    """An immutable index over weighted bags of stems."""

    def __init__(self, bags: Sequence[Mapping[str, float]]) -> None:
        """Index `bags`: for each text, stem → weighted count."""
        self.size = len(bags)
        frequency = Counter[str]()
        for bag in bags:
            frequency.update(bag.keys())
        self._idf = {term: math.log((1 + self.size) / (1 + count)) + 1.0 for term, count in frequency.items()}
        self._unseen_idf = math.log(1 + self.size) + 1.0
        postings: dict[str, tuple[list[int], list[float]]] = {term: ([], []) for term in frequency}
        log, idf = math.log, self._idf
        for number, bag in enumerate(bags):
            weights = [(1.0 + log(count) if count > 1.0 else 1.0) * idf[term] for term, count in bag.items()]
            norm = math.sqrt(sum([weight * weight for weight in weights])) or 1.0
            for term, weight in zip(bag, weights, strict=True):
                places, values = postings[term]
                places.append(number)
                values.append(weight / norm)
        counts = [len(places) for places, _ in postings.values()]
        # The postings of all terms one after the other; for each term where they begin and how many they are.
        self._places = np.fromiter(chain.from_iterable([places for places, _ in postings.values()]), np.intp, sum(counts))
        self._values = np.fromiter(chain.from_iterable([values for _, values in postings.values()]), np.float64, sum(counts))
        self._terms = dict(zip(postings, zip(accumulate(counts, initial=0), counts, strict=False), strict=True))

    def idf(self, term: str) -> float:
        """Inverse document frequency; a word no text has counts as the rarest."""
        return self._idf.get(term, self._unseen_idf)

    def scores(self, stems: Iterable[str]) -> Scores:
        """Cosine similarity of a query with every text, 0 to 1, shape (size,)."""
        return self.all_scores([stems])[0]

    def all_scores(self, queries: Sequence[Iterable[str]]) -> Scores:
        """The same for several queries, which together take a fraction of the time; shape (len(queries), size)."""
        found: Scores = np.zeros((len(queries), self.size))
        start, work, asked = 0, 0, list[_Query]()
        for number, stems in enumerate(queries):
            query = self._query(stems)
            asked.append(query)
            work += self.size + sum(query.counts)
            if work > MOST_AT_ONCE or number == len(queries) - 1:
                self._add_up(asked, found[start : number + 1])
                start, work, asked = number + 1, 0, []
        return found

    def _query(self, stems: Iterable[str]) -> _Query:
        query, square = _Query([], [], [], 1.0), 0.0
        idf, unseen, terms = self._idf, self._unseen_idf, self._terms
        for term, repeats in Counter(stems).items():
            weight = idf.get(term, unseen)
            if repeats > 1:
                weight *= 1.0 + math.log(repeats)
            square += weight * weight
            if term in terms:
                begin, count = terms[term]
                query.begins.append(begin)
                query.counts.append(count)
                query.weights.append(weight)
        query.norm = math.sqrt(square) if square else 1.0
        return query

    def _add_up(self, queries: Sequence[_Query], found: Scores) -> None:
        """Write the similarities of some queries into their rows of `found`."""
        counts = np.fromiter(chain.from_iterable([query.counts for query in queries]), np.intp)
        if not len(counts):
            return
        begins = np.fromiter(chain.from_iterable([query.begins for query in queries]), np.intp, len(counts))
        weights = np.fromiter(chain.from_iterable([query.weights for query in queries]), np.float64, len(counts))
        rows = np.repeat(np.arange(len(queries)), [len(query.counts) for query in queries])
        # Common terms are added up apart from rare ones, because sums of floats depend on their order.
        cells = len(queries) * self.size
        first = rows * self.size + np.where(counts < FEW, 0, cells)
        ends = np.cumsum(counts)
        at: npt.NDArray[np.intp] = np.arange(int(ends[-1]), dtype=np.intp) + np.repeat(begins - ends + counts, counts)
        total = np.bincount(self._places[at] + np.repeat(first, counts), self._values[at] * np.repeat(weights, counts), 2 * cells)
        norms = np.array([query.norm for query in queries])
        np.divide((total[cells:] + total[:cells]).reshape(found.shape), norms[:, np.newaxis], out=found)


@dataclass(slots=True)
class _Query:
    """The terms of a query that some text has: where their postings begin, how many they are, and what the query gives them."""

    begins: list[int]
    counts: list[int]
    weights: list[float]
    norm: float
