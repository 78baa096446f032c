"""TF-IDF top 2, the simple baseline that stands beside the plans in the same run."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from zero_shot import Answer

from genesis_server.text.words import stop_words

BASELINE = "TF-IDF top 2"
_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")


class TopTwo:
    """TF-IDF top 2: words and pairs of words, sublinear, cosine; the two best in the order in which their rarest words stand."""

    def __init__(self, tools: Sequence[tuple[str, str]]) -> None:
        """Weigh the words of the tools' names and descriptions."""
        self.names = [name for name, _ in tools]
        self.documents = [_terms(f"{_CAPITAL.sub(' ', name)} {description}") for name, description in tools]
        frequency = Counter(term for document in self.documents for term in set(document))
        self.places = {term: place for place, term in enumerate(frequency)}
        self.idf = np.array([math.log((1 + len(tools)) / (1 + count)) + 1 for count in frequency.values()])
        self.matrix = np.array([self._vector(document) for document in self.documents])

    def _vector(self, terms: Sequence[str]) -> np.ndarray:
        vector = np.zeros(len(self.places))
        for term, count in Counter(terms).items():
            if term in self.places:
                vector[self.places[term]] = 1 + math.log(count)
        vector *= self.idf
        length = float(np.linalg.norm(vector))
        return vector / length if length else vector

    def answer(self, text: str) -> Answer:
        """The two best tools, one after the other."""
        terms = _terms(text)
        best = np.argsort(-(self.matrix @ self._vector(terms)), kind="stable")[:2]
        first = {term: -place for place, term in reversed(list(enumerate(terms)))}

        def place(tool: int) -> int:
            shared = [(self.idf[self.places[term]], first[term]) for term in set(self.documents[tool]) if term in first]
            return -max(shared)[1] if shared else len(terms)

        one, two = sorted((int(tool) for tool in best), key=place)
        return Answer((self.names[one], self.names[two]), ((self.names[one], self.names[two]),))


def _terms(text: str) -> list[str]:
    """Words of two letters or more that are no stop words, and pairs of neighbours."""
    words = [word for word in re.findall(r"\w\w+", text.lower().replace("_", " ")) if word not in stop_words()]
    return [*words, *(f"{one} {two}" for one, two in pairwise(words))]
