"""What the router goes by."""

from importlib.resources import files

import pytest

from genesis_server.routing.policy import default_policy, load_policy
from genesis_server.text.toml_file import DataFileError

SHIPPED = (files("genesis_server") / "data" / "routing.toml").read_text("utf-8")


def test_the_version_follows_the_numbers_and_not_the_words() -> None:
    """Two servers with one policy version decide alike; a comment changes nothing, a weight does."""
    version = default_policy().version
    assert load_policy(SHIPPED).version == version
    assert load_policy("# more words\n" + SHIPPED).version == version
    assert load_policy(SHIPPED.replace("exact_floor = 0.7", "exact_floor = 0.6")).version != version


def test_harder_tasks_need_more_tokens_and_fail_more_often() -> None:
    """Difficulty makes a task dearer and less likely to succeed; a middling one is as the prior says."""
    policy = default_policy()
    tokens = [policy.expected_tokens(difficulty) for difficulty in (0.0, 0.5, 1.0)]
    assert tokens == [(2_000, 500), (6_000, 2_250), (10_000, 4_000)]
    factors = [policy.odds_factor(difficulty) for difficulty in (0.0, 0.5, 1.0)]
    assert factors[0] < factors[1] == 1.0 < factors[2]


def test_every_mistake_is_told() -> None:
    """A policy that makes no sense is refused with all its mistakes."""
    text = SHIPPED.replace("success = 0.44", "success = 1.44").replace("span = 100.0", "span = 1.0").replace("slope = 4.0", "slop = 4.0")
    with pytest.raises(DataFileError) as caught:
        load_policy(text)
    assert {mistake.key for mistake in caught.value.mistakes} == {
        "weights.success",
        "success.difficulty_slope",
        "success.difficulty_slop",
        "cost.span",
    }


def test_weights_must_add_up_to_one() -> None:
    """A score stays between 0 and 1."""
    with pytest.raises(DataFileError, match=r"routing.toml:7: weights: the weights add up to 1.05; make it 1"):
        load_policy(SHIPPED.replace("cost = 0.17", "cost = 0.22"))
