"""Measurement 5: 150 intents as agents with their training requests on their cards; what is out of scope must be refused (CLINC150).

The answer is the served one: who is assigned, or nobody. Beside it TF-IDF and a linear SVM, trained on the same requests and also on
the 100 out-of-scope ones that come with them, which the service is not told.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from measurement import SERVICE, Figure, Run, Sealed, spread_over_folds
from routes import Question, agent, ask_routes
from scores import auroc
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC
from tfidf import plain_words

import genesis
from genesis.v1.catalogue_pb2 import Catalogue

BASELINE = "TF-IDF + linear SVM"
OUT = "oos"
_MOST_EXAMPLES = 200
"""What a card takes."""
_TRAINED_FOR_EACH = 100
"""With a limit the baseline learns from so many requests for each that is asked."""

Records = Mapping[str, Sequence[tuple[str, str]]]


def measure(run: Run) -> list[Figure]:
    """Accuracy of all requests, of those in scope, recall of those out of scope."""
    records: Records = json.loads((run.data / "clinc150" / "data.json").read_text("utf-8"))
    examples: dict[str, list[str]] = defaultdict(list)
    for text, intent in records["train"]:
        examples[intent].append(text)
    cards = [agent(name, title=plain_words(name), examples=texts[:_MOST_EXAMPLES]) for name, texts in examples.items()]
    asked = [
        Question(f"{part}_{number}", text)
        for part in ("val", "oos_val")
        for number, (text, _) in enumerate(_limited(records[part], run.limit))
    ]
    texts = [question.text for question in asked]
    with genesis.connect(run.address) as client:
        routed = ask_routes(client, asked, Catalogue(agents=cards), "clinc150")
    few = None if run.limit is None else _TRAINED_FOR_EACH * run.limit
    training = [record for part in ("train", "oos_train") for record in _limited(records[part], few)]
    classifier = make_pipeline(TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2)), LinearSVC(random_state=run.seed))
    classifier.fit([text for text, _ in training], [intent for _, intent in training])
    said = {
        SERVICE: [routed[question.id].assigned or OUT for question in asked],
        BASELINE: [str(intent) for intent in classifier.predict(texts)],
    }
    scores = {
        SERVICE: [routed[question.id].match for question in asked],
        BASELINE: [float(score) for score in np.max(classifier.decision_function(texts)[:, classifier.classes_ != OUT], axis=1)],
    }
    gold = Sealed([question.id for question in asked], lambda: _gold(records, run.limit)).opened(routed)
    ids = [question.id for question in asked]
    figures: list[Figure] = []
    for by, answers in said.items():
        right = [float(answer == intent) for answer, intent in zip(answers, gold, strict=True)]
        inside = [number for number, intent in enumerate(gold) if intent != OUT]
        outside = [number for number, intent in enumerate(gold) if intent == OUT]
        aim = "> 89 %" if by == SERVICE else ""
        figures += [
            spread_over_folds("all: right", ids, right, by=by, aim=aim),
            spread_over_folds("in scope: right", [ids[n] for n in inside], [right[n] for n in inside], by=by),
            spread_over_folds("in scope: refused", [ids[n] for n in inside], [float(answers[n] == OUT) for n in inside], by=by),
            spread_over_folds("out of scope: refused", [ids[n] for n in outside], [right[n] for n in outside], by=by),
        ]
        area = 100 * auroc(scores[by], [intent != OUT for intent in gold])
        figures.append(Figure("in scope or not: AUROC", area, area, area, len(gold), by=by, over="-"))
    drawn = [float(routed[one].is_drawn) for one in ids]
    figures.append(spread_over_folds("assigned to another than the first candidate", ids, drawn))
    first = [float(routed[question.id].ranked[:1] == (intent,)) for question, intent in zip(asked, gold, strict=True)]
    figures.append(spread_over_folds("in scope: first candidate", [ids[n] for n in inside], [first[n] for n in inside]))
    return figures


def _limited(records: Sequence[tuple[str, str]], limit: int | None) -> Sequence[tuple[str, str]]:
    """So many of them, evenly from the whole file, which stands in the order of the intents."""
    return records if limit is None else records[:: max(1, len(records) // limit)][:limit]


def _gold(records: Records, limit: int | None) -> list[str]:
    return [intent for part in ("val", "oos_val") for _, intent in _limited(records[part], limit)]
