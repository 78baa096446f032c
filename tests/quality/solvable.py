"""Is there anybody for this? The figures of measurement 7: a yes or no with its score, next to TF-IDF cosine with a threshold.

The service's yes or no is who is assigned, or nobody; its score is the skill match of its best candidate. The baseline's threshold is
chosen on the gold of the other folds, so it is told more than the service is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from measurement import FOLDS, SERVICE, Figure, fold_of, spread_over_folds
from routes import Question, Routed, ask_routes
from scores import auroc, balanced_accuracy, best_threshold
from tfidf import Similarity, plain_words

import genesis
from genesis.v1.catalogue_pb2 import Catalogue, Tool

BASELINE = "TF-IDF cosine"


@dataclass(frozen=True)
class Item:
    """A request with the tools it may go to."""

    id: str
    text: str
    tools: tuple[Tool, ...]


def ask_items(client: genesis.Client, items: Sequence[Item]) -> dict[str, Routed]:
    """The route of each request among its own tools, by id."""
    routed: dict[str, Routed] = {}
    for item in items:
        routed |= ask_routes(client, [Question(item.id, item.text)], Catalogue(tools=item.tools))
    return routed


def most_similar(items: Sequence[Item]) -> dict[str, tuple[str, float]]:
    """The baseline: each request's most similar tool of its own, with the cosine; words are weighed over the tools of all requests."""
    documents = {_words(tool): None for item in items for tool in item.tools}
    places = {document: place for place, document in enumerate(documents)}
    similarity = Similarity(list(documents))
    best: dict[str, tuple[str, float]] = {}
    for item in items:
        row = similarity.of([item.text], [places[_words(tool)] for tool in item.tools])[0]
        best[item.id] = (item.tools[int(row.argmax())].name, float(row.max()))
    return best


def _words(tool: Tool) -> str:
    return f"{plain_words(tool.name)} {tool.description}"


def solvable_figures(
    name: str, doable: Mapping[str, bool], routed: Mapping[str, Routed], similar: Mapping[str, tuple[str, float]], aims: Mapping[str, str]
) -> list[Figure]:
    """How well yes and no are told apart; `doable` is the gold by id."""
    ids = list(doable)
    gold = np.array([doable[one] for one in ids])
    folds = np.array([fold_of(one) for one in ids])
    cosines = np.array([similar[one][1] for one in ids])
    thresholds = np.array([best_threshold(cosines[folds != fold].tolist(), gold[folds != fold].tolist()) for fold in range(FOLDS)])
    scores = {SERVICE: np.array([routed[one].match for one in ids]), BASELINE: cosines}
    said = {SERVICE: np.array([bool(routed[one].assigned) for one in ids]), BASELINE: cosines >= thresholds[folds]}
    figures: list[Figure] = []
    for what, judge, answers in (("AUROC", auroc, scores), ("balanced accuracy", balanced_accuracy, said)):
        for by, some in answers.items():
            parts = [100 * judge(some[folds == fold].tolist(), gold[folds == fold].tolist()) for fold in sorted(set(folds.tolist()))]
            aim = aims.get(what, "") if by == SERVICE else ""
            figures.append(
                Figure(f"{name}: {what}", 100 * judge(some.tolist(), gold.tolist()), min(parts), max(parts), len(ids), aim=aim, by=by)
            )
    for what, kind in (("those that can be done, assigned", True), ("those that cannot, refused", False)):
        some = [(one, float(bool(routed[one].assigned) is kind)) for one in ids if doable[one] is kind]
        figures.append(spread_over_folds(f"{name}: {what}", [one for one, _ in some], [value for _, value in some]))
    return figures
