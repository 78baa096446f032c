"""Catalogues that hypothesis draws."""

from hypothesis import strategies as st

from genesis_server.model.catalogue import AgentCard, Artefact, DataClass, Model, Skill, Tool
from genesis_server.model.money import Money

TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
IDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,6}", fullmatch=True)
AMOUNTS = st.integers(0, 9 * 10**15 * 10**9).map(Money)
SECONDS = st.one_of(st.sampled_from([0.0, 0.25, 1.0, 60.0, 90.5, 86_400.0]), st.floats(0, 36_600 * 86_400))
ARTEFACTS = st.lists(st.builds(Artefact, NAMES, TEXTS), max_size=2).map(tuple)
LISTS = st.lists(TEXTS, max_size=2).map(tuple)
SKILLS = st.builds(
    Skill,
    id=NAMES,
    name=TEXTS,
    description=TEXTS,
    tags=LISTS,
    examples=LISTS,
    inputs=ARTEFACTS,
    outputs=ARTEFACTS,
    expected_seconds=SECONDS,
)
MODELS = st.builds(Model, id=NAMES, input_price=AMOUNTS, output_price=AMOUNTS, success_prior=st.floats(0.001, 1))
AGENTS = st.builds(
    AgentCard,
    id=IDS,
    skills=st.lists(SKILLS, min_size=1, max_size=3, unique_by=lambda skill: skill.id).map(tuple),
    name=TEXTS,
    description=TEXTS,
    version=TEXTS,
    models=st.lists(MODELS, max_size=2, unique_by=lambda model: model.id).map(tuple),
    max_concurrent_tasks=st.integers(1, 100_000),
    region=TEXTS,
    max_data_class=st.sampled_from([member for member in DataClass if member]),
)
TOOLS = st.builds(
    Tool,
    name=NAMES,
    description=TEXTS,
    examples=LISTS,
    inputs=ARTEFACTS,
    outputs=ARTEFACTS,
    cost_per_call=AMOUNTS,
    expected_seconds=SECONDS,
)
