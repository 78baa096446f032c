"""Measurement 4: which of 159 agents gets a request (MetaTool), from descriptions alone and with five example requests on each card.

Top 1 and top 5 read the candidates that Route serves; where nobody's words are near enough, that is the nearest alone. "Assigned" is
who gets the task in the end, so it loses what is refused, and where one of several that are about as good is drawn. For each of
DRAWS draws the requests are cut into halves by the seed: one gives the examples, so that its gold is read before, the other is asked.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from lines import lines_of
from measurement import SERVICE, Figure, Run, Sealed, fold_of, spread_over, spread_over_folds
from routes import Question, agent, ask_routes
from tfidf import Similarity, plain_words

import genesis
from genesis.v1.catalogue_pb2 import Catalogue

EXAMPLES = 5
DRAWS = 3
BEST = 5
BASELINE = "TF-IDF cosine"
AIM = {("top 1", SERVICE): "> 70 %"}

Examples = Mapping[str, Sequence[str]]
Rights = dict[tuple[str, str], list[float]]
"""For each figure and whose it is, 1 or 0 for each request."""


def measure(run: Run) -> list[Figure]:
    """Figures without examples, over folds; with examples, over draws of the examples."""
    folder = run.data / "metatool"
    tools: dict[str, str] = json.loads((folder / "tools.json").read_text("utf-8"))
    lines = lines_of(folder / "queries.jsonl")
    questions = [Question(f"m{number}", json.loads(line)["query"]) for number, line in enumerate(lines)]
    random.Random(f"{run.seed} metatool").shuffle(questions)
    with genesis.connect(run.address) as client:
        bench = _Bench(client, tools, lines)
        asked = questions[: run.limit]
        ids = [question.id for question in asked]
        rights = bench.rights(asked, {}, "metatool")
        figures = [spread_over_folds(f"descriptions alone: {name}", ids, some, by=by, fold=fold_of) for (name, by), some in rights.items()]
        draws: dict[tuple[str, str], list[float]] = defaultdict(list)
        for number in range(DRAWS):
            random.Random(f"{run.seed} metatool {number}").shuffle(questions)
            half = len(questions) // 2
            asked = questions[half:][: run.limit]
            for key, some in bench.rights(asked, bench.examples(questions[:half]), f"metatool, draw {number + 1}").items():
                draws[key].append(100 * float(np.mean(some)))
    return figures + [
        spread_over(f"{EXAMPLES} examples: {name}", some, len(asked), unit="%", over="draws", by=by, aim=AIM.get((name, by), ""))
        for (name, by), some in draws.items()
    ]


class _Bench:
    """Routes requests among all tools as agents."""

    def __init__(self, client: genesis.Client, tools: Mapping[str, str], lines: Sequence[str]) -> None:
        self._client = client
        self._tools = tools
        self._lines = lines

    def examples(self, training: Sequence[Question]) -> dict[str, list[str]]:
        """The first EXAMPLES of these requests for each tool."""
        found: dict[str, list[str]] = defaultdict(list)
        for question in training:
            texts = found[self._tool_of(question)]
            if len(texts) < EXAMPLES:
                texts.append(question.text)
        return found

    def rights(self, asked: Sequence[Question], examples: Examples, what: str) -> Rights:
        """What is right, of the service and of the baseline."""
        cards = [
            agent(name, title=plain_words(name), description=words, examples=examples.get(name, ())) for name, words in self._tools.items()
        ]
        routed = ask_routes(self._client, asked, Catalogue(agents=cards), what)
        names = list(self._tools)
        similarity = Similarity([" ".join([name, words, *examples.get(name, ())]) for name, words in self._tools.items()])
        best = np.argsort(-similarity.of([question.text for question in asked]), axis=1, kind="stable")[:, :BEST]
        gold = Sealed([question.id for question in asked], lambda: [self._tool_of(question) for question in asked]).opened(routed)
        answers = [routed[question.id] for question in asked]
        plain = [[names[place] for place in row] for row in best]
        return {
            ("top 1", SERVICE): [float(tool in answer.ranked[:1]) for tool, answer in zip(gold, answers, strict=True)],
            ("top 1", BASELINE): [float(tool in row[:1]) for tool, row in zip(gold, plain, strict=True)],
            (f"top {BEST}", SERVICE): [float(tool in answer.ranked[:BEST]) for tool, answer in zip(gold, answers, strict=True)],
            (f"top {BEST}", BASELINE): [float(tool in row) for tool, row in zip(gold, plain, strict=True)],
            ("assigned", SERVICE): [float(tool == answer.assigned) for tool, answer in zip(gold, answers, strict=True)],
            ("refused, though an agent fits", SERVICE): [float(not answer.assigned) for answer in answers],
            ("assigned to another than the first candidate", SERVICE): [float(answer.is_drawn) for answer in answers],
        }

    def _tool_of(self, question: Question) -> str:
        return json.loads(self._lines[int(question.id[1:])])["tool"]
