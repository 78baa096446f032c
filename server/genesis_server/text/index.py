"""A lexical index: which of some texts is nearest to a query.

TF-IDF with sublinear term frequency and cosine similarity (Salton & Buckley 1988), over an inverted index in numpy, so that a
query touches only the texts that share a word with it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, chain

import numpy as np
import numpy.typing as npt

FEW = 32
"""A term that fewer texts have is rare."""

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
        """The same for several queries at once, which takes a fraction of the time; shape (len(queries), size)."""
        idf, unseen, terms, cells = self._idf, self._unseen_idf, self._terms, len(queries) * self.size
        first, begins, counts, factors, norms = list[int](), list[int](), list[int](), list[float](), list[float]()
        for number, stems in enumerate(queries):
            square = 0.0
            for term, repeats in Counter(stems).items():
                weight = idf.get(term, unseen)
                if repeats > 1:
                    weight *= 1.0 + math.log(repeats)
                square += weight * weight
                if term in terms:
                    begin, count = terms[term]
                    begins.append(begin)
                    counts.append(count)
                    factors.append(weight)
                    # Common terms are added up apart: sums of floats depend on their order.
                    first.append(number * self.size + (cells if count >= FEW else 0))
            norms.append(math.sqrt(square) if square else 1.0)
        if not counts:
            return np.zeros((len(queries), self.size))
        repeat = np.array(counts, dtype=np.intp)
        ends = np.cumsum(repeat)
        places = np.arange(ends[-1]) + np.repeat(np.array(begins, dtype=np.intp) - ends + repeat, repeat)
        values = self._values[places] * np.repeat(np.array(factors), repeat)
        total = np.bincount(self._places[places] + np.repeat(np.array(first, dtype=np.intp), repeat), values, cells)
        if len(total) > cells:
            common = total[cells:]
            total = total[:cells]
            total[: len(common)] += common
        return total.reshape(len(queries), self.size) / np.array(norms)[:, np.newaxis]
