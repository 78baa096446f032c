"""A lexical index: which of some texts is nearest to a query.

TF-IDF with sublinear term frequency and cosine similarity (Salton & Buckley 1988), over an inverted index in numpy, so that a
query touches only the texts that share a word with it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, repeat

import numpy as np
import numpy.typing as npt

FEW = 32
"""A term that fewer texts have is rare."""
MOST_AT_ONCE = 500_000
"""Postings and scores that are worked on at once; 40 bytes each while it lasts."""

Scores = npt.NDArray[np.float64]
Indexes = npt.NDArray[np.intp]


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
        # The postings of all terms one after the other; for each term where they begin, how many they are, and what it weighs in a query.
        self._places = np.fromiter(chain.from_iterable([places for places, _ in postings.values()]), np.intp, sum(counts))
        self._values = np.fromiter(chain.from_iterable([values for _, values in postings.values()]), np.float64, sum(counts))
        self._numbers = {term: number for number, term in enumerate(postings)}
        # The last entry is for every word that no text has.
        self._begins = np.fromiter(accumulate(counts, initial=0), np.intp, len(counts) + 1)
        self._counts = np.array([*counts, 0], dtype=np.intp)
        self._weights = np.array([*[idf[term] for term in postings], self._unseen_idf])

    def idf(self, term: str) -> float:
        """Inverse document frequency; a word no text has counts as the rarest."""
        return self._idf.get(term, self._unseen_idf)

    def scores(self, stems: Iterable[str]) -> Scores:
        """Cosine similarity of a query with every text, 0 to 1, shape (size,)."""
        return self.all_scores([list(stems)])[0]

    def all_scores(self, queries: Sequence[Sequence[str]]) -> Scores:
        """The same for several queries, which together take a fraction of the time; shape (len(queries), size)."""
        found: Scores = np.zeros((len(queries), self.size))
        asked = self._asked(queries)
        for some, rows in asked.portions(self._counts, self.size):
            self._add_up(some, found[rows])
        return found

    def _asked(self, queries: Sequence[Sequence[str]]) -> _Asked:
        once = [dict.fromkeys(query) for query in queries]
        sizes = [len(stems) for stems in once]
        terms = [*map(self._numbers.get, chain.from_iterable(once), repeat(len(self._numbers)))]
        numbers = np.array(terms, dtype=np.intp)
        weights = self._weights[numbers]
        for place, query, stems in zip(accumulate(sizes, initial=0), queries, once, strict=False):
            if len(stems) < len(query):
                for at, count in enumerate(Counter(query).values(), place):
                    if count > 1:
                        weights[at] *= 1.0 + math.log(count)
        return _Asked(numbers, weights, np.array(sizes, dtype=np.intp))

    def _add_up(self, asked: _Asked, found: Scores) -> None:
        """Write the similarities of some queries into their rows of `found`."""
        counts = self._counts[asked.terms]
        ends = np.cumsum(counts)
        if not len(ends) or not ends[-1]:
            return
        rows = np.repeat(np.arange(len(asked.sizes)), asked.sizes)
        norms = np.sqrt(np.bincount(rows, asked.weights * asked.weights, len(asked.sizes)))
        norms[asked.sizes == 0] = 1.0
        # Common terms are added up apart from rare ones, because sums of floats depend on their order.
        first = rows * self.size + np.where(counts < FEW, 0, found.size)
        at: npt.NDArray[np.intp] = np.arange(int(ends[-1]), dtype=np.intp) + np.repeat(self._begins[asked.terms] - ends + counts, counts)
        products = self._values[at] * np.repeat(asked.weights, counts)
        total = np.bincount(self._places[at] + np.repeat(first, counts), products, 2 * found.size)
        np.divide((total[found.size :] + total[: found.size]).reshape(found.shape), norms[:, np.newaxis], out=found)


@dataclass(frozen=True, slots=True)
class _Asked:
    """The terms of queries, query after query."""

    terms: Indexes
    """Numbers of terms, each once for a query."""
    weights: Scores
    """What each is worth in its query."""
    sizes: Indexes
    """How many terms each query has."""

    def portions(self, counts: Indexes, size: int) -> Iterator[tuple[_Asked, slice]]:
        """What is worked out at once, with the places of its queries; `counts` are the postings of terms, `size` is that of a row."""
        queries = len(self.sizes)
        work = int(counts[self.terms].sum()) + queries * size
        if work <= MOST_AT_ONCE:
            yield self, slice(None)
            return
        bounds = np.concatenate(([0], np.cumsum(self.sizes)))
        done = np.concatenate(([0], np.cumsum(counts[self.terms])))[bounds] + size * np.arange(queries + 1)
        first = 0
        while first < queries:
            last = max(first + 1, int(np.searchsorted(done, done[first] + MOST_AT_ONCE, "right")) - 1)
            part = slice(bounds[first], bounds[last])
            yield _Asked(self.terms[part], self.weights[part], self.sizes[first:last]), slice(first, last)
            first = last
