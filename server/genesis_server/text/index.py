"""A lexical index: which of some texts is nearest to a query.

TF-IDF with sublinear term frequency and cosine similarity (Salton & Buckley 1988), over an inverted index in numpy, so that a
query touches only the texts that share a word with it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float64]


class LexicalIndex:
    """An immutable index over weighted bags of stems."""

    def __init__(self, bags: Sequence[Mapping[str, float]]) -> None:
        """Index `bags`: for each text, stem → weighted count."""
        self.size = len(bags)
        frequency = Counter(term for bag in bags for term in bag)
        self._idf = {term: math.log((1 + self.size) / (1 + count)) + 1.0 for term, count in frequency.items()}
        postings: dict[str, tuple[list[int], list[float]]] = {}
        for number, bag in enumerate(bags):
            weights = {term: (1.0 + math.log(max(count, 1.0))) * self._idf[term] for term, count in bag.items()}
            norm = math.sqrt(sum(w * w for w in weights.values())) or 1.0
            for term, weight in weights.items():
                places, values = postings.setdefault(term, ([], []))
                places.append(number)
                values.append(weight / norm)
        self._postings = {t: (np.array(p, dtype=np.intp), np.array(v)) for t, (p, v) in postings.items()}
        self._unseen_idf = math.log(1 + self.size) + 1.0

    def idf(self, term: str) -> float:
        """Inverse document frequency; a word no text has counts as the rarest."""
        return self._idf.get(term, self._unseen_idf)

    def scores(self, stems: Iterable[str]) -> Scores:
        """Cosine similarity of a query with every text, 0 to 1, shape (size,)."""
        counts = Counter(stems)
        total: Scores = np.zeros(self.size)
        square = 0.0
        for term, count in counts.items():
            weight = (1.0 + math.log(count)) * self.idf(term)
            square += weight * weight
            found = self._postings.get(term)
            if found is not None:
                total[found[0]] += weight * found[1]
        return total / math.sqrt(square) if square else total
