"""Plain TF-IDF similarity, the baseline that stands beside routes in the same run."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfVectorizer

_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def plain_words(text: str) -> str:
    """A name or a text with its words apart."""
    return _CAPITAL.sub(" ", text).replace("_", " ").replace(".", " ")


class Similarity:
    """Cosine of texts with documents: words, sublinear TF-IDF of the documents, English stop words left out."""

    def __init__(self, documents: Sequence[str]) -> None:
        """Weigh the words of the documents."""
        self._vectors = TfidfVectorizer(sublinear_tf=True, stop_words="english", token_pattern=r"(?u)\b\w+\b")
        self._matrix = self._vectors.fit_transform([plain_words(document) for document in documents])

    def of(self, texts: Sequence[str], documents: Sequence[int] | None = None) -> npt.NDArray[np.float64]:
        """Cosines, a row for each text and a column for each document, or for those of these numbers."""
        matrix = self._matrix if documents is None else self._matrix[list(documents)]
        return (self._vector(texts) @ matrix.T).toarray()

    def among(self, texts: Sequence[str]) -> npt.NDArray[np.float64]:
        """Cosines of texts with each other."""
        vectors = self._vector(texts)
        return (vectors @ vectors.T).toarray()

    def _vector(self, texts: Sequence[str]) -> csr_matrix:
        return self._vectors.transform([plain_words(text) for text in texts])
