"""A lexical index: which of some texts is nearest to a query.

TF-IDF with sublinear term frequency and cosine similarity (Salton & Buckley 1988), over an inverted index in numpy, so that a
query touches only the texts that share a word with it. Short lists stay Python lists: numpy pays from some dozens on.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

FEW = 32

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
        self._rare: dict[str, list[tuple[int, float]]] = {}
        self._common: dict[str, tuple[npt.NDArray[np.intp], Scores]] = {}
        for term, (places, values) in postings.items():
            if len(places) < FEW:
                self._rare[term] = list(zip(places, values, strict=True))
            else:
                self._common[term] = (np.array(places, dtype=np.intp), np.array(values))

    def idf(self, term: str) -> float:
        """Inverse document frequency; a word no text has counts as the rarest."""
        return self._idf.get(term, self._unseen_idf)

    def scores(self, stems: Iterable[str]) -> Scores:
        """Cosine similarity of a query with every text, 0 to 1, shape (size,)."""
        total: Scores = np.zeros(self.size)
        few: dict[int, float] = {}
        square = 0.0
        idf, rare, common, unseen = self._idf, self._rare, self._common, self._unseen_idf
        for term, count in Counter(stems).items():
            weight = idf.get(term, unseen)
            if count > 1:
                weight *= 1.0 + math.log(count)
            square += weight * weight
            if term in rare:
                for place, value in rare[term]:
                    few[place] = few.get(place, 0.0) + weight * value
            elif term in common:
                places, values = common[term]
                total[places] += weight * values
        if few:
            total[list(few)] += list(few.values())
        return total / math.sqrt(square) if square else total
