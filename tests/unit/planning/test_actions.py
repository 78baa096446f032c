"""A goal split into what is to be done."""

from __future__ import annotations

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_server.planning.actions import split

SPLIT = [
    ("fix the bug, run the tests and deploy it", ["fix the bug", "run the tests", "deploy it"]),
    ("Book a flight and reserve a hotel", ["Book a flight", "reserve a hotel"]),
    ("Please clean the kitchen and take out the garbage", ["clean the kitchen", "take out the garbage"]),
    ("Could you check my email and reply to Sarah?", ["check my email", "reply to Sarah"]),
    ("I'd like to order a pizza and watch a movie", ["order a pizza", "watch a movie"]),
    ("Help me with booking a flight and reserving a hotel", ["booking a flight", "reserving a hotel"]),
    ("Search for a restaurant and order pizza", ["Search for a restaurant", "order pizza"]),
    ("Defragment the disk, yeet the cache and reticulate the splines", ["Defragment the disk", "yeet the cache", "reticulate the splines"]),
    ("First preheat the oven, then mix the batter, and finally bake the cake", ["preheat the oven", "mix the batter", "bake the cake"]),
    ("After fixing the bug, deploy it to production", ["fixing the bug", "deploy it to production"]),
    ("Before you leave, close the windows", ["leave", "close the windows"]),
    ("Run the tests before deploying the build", ["Run the tests", "deploying the build"]),
    ("Design, build, test and ship the module", ["Design the module", "build the module", "test the module", "ship the module"]),
    ("Research and write a report on bees", ["Research a report on bees", "write a report on bees"]),
    ("The bug must be fixed, tested and deployed", ["The bug must be fixed", "The bug must be tested", "The bug must be deployed"]),
    ("The kitchen must be cleaned and the floor needs to be mopped", ["The kitchen must be cleaned", "the floor needs to be mopped"]),
    ("The roof needs fixing and the wall needs painting", ["The roof needs fixing", "the wall needs painting"]),
    (
        "What is the weather in Paris and when does the next train leave?",
        ["What is the weather in Paris", "when does the next train leave"],
    ),
    ("build -> test -> deploy", ["build", "test", "deploy"]),
    ("write tests; refactor the module; update the docs", ["write tests", "refactor the module", "update the docs"]),
    ("1) buy flour 2) bake bread 3) eat it", ["buy flour", "bake bread", "eat it"]),
    ("* design logo\n* build website\n* launch", ["design logo", "build website", "launch"]),
    ("Book a flight as well as reserve a hotel", ["Book a flight", "reserve a hotel"]),
    ("I want to book a flight and to reserve a hotel", ["book a flight", "reserve a hotel"]),
    ("Find out who won and post the result on Twitter", ["Find out who won", "post the result on Twitter"]),
    ("Don't forget to lock the door and make sure you feed the cat", ["lock the door", "feed the cat"]),
    ("I need a new logo and want to sell my old one", ["a new logo", "sell my old one"]),
    ("If it rains, cancel the picnic and tell everyone", ["cancel the picnic", "tell everyone"]),
    ("fetch the users + store them in the db & quickly clean up", ["fetch the users", "store them in the db", "clean up"]),
    ("run lint followed by the unit tests", ["run lint", "the unit tests"]),
    ("Who won the match? Send the score to Pete.", ["Who won the match", "Send the score to Pete"]),
    ("How old is Rome and who founded it?", ["How old is Rome", "who founded it"]),
    ("Fetching the mail, sorting it and shredding the junk", ["Fetching the mail", "sorting it", "shredding the junk"]),
    ("Have the car washed and the tyres changed", ["Have the car washed", "the tyres changed"]),
    ("I need the kitchen painted and the old floor sanded", ["the kitchen painted", "the old floor sanded"]),
    ("Post the letter, having stamped it", ["Post the letter", "stamped it"]),
    ("Not only clean the oven but also defrost the freezer", ["clean the oven", "defrost the freezer"]),
    ("Visit the museum, have lunch and walk home", ["Visit the museum", "have lunch", "walk home"]),
    ("a) sketch the logo b) scan it c) print it", ["sketch the logo", "scan it", "print it"]),
    ("i) draft it ii) check it iii) send it", ["draft it", "check it", "send it"]),
    ("When the kids are asleep, hide the presents", ["hide the presents"]),
]
WHOLE = [
    "compare apples and oranges",
    "write a report on sales and marketing",
    "Review the design and test plan",
    "Write an email to Tom and Jerry",
    "Give mom and dad a call",
    "Give mum and grandpa a call",
    "Add salt and pepper to the shopping list",
    "Create a presentation about research and development",
    "Create a backup and restore procedure",
    "Build an app to track and analyse my spending",
    "Build a page where users can sign up and log in",
    "Buy bread, butter, and milk",
    "Track the orders and returns",
    "Book a table for two for lunch and dinner",
    "Call or email him",
    "Explain supply and demand",
    'Post "fix the bug and run the tests" on the wall',
    "Write a note (buy milk and call Ann)",
    "Who are Tom and Jerry?",
    "Once you get the results, email them to Bob",
    "Buy the following:\n- milk\n- eggs",
    "Quarterly sales and order history",
    "It is cold and the wind blows",
    "Do not touch the red button",
    "Ein Flug nach Rom, dann ein Hotel",
    "Walking the dog is fun",
    "Create a plan to have the car washed by Friday",
]


@pytest.mark.parametrize(("goal", "expected"), SPLIT, ids=[goal[:40] for goal, _ in SPLIT])
def test_each_action_becomes_one(goal: str, expected: list[str]) -> None:
    assert [action.core for action in split(goal)] == expected


@pytest.mark.parametrize("goal", WHOLE, ids=[goal[:40] for goal in WHOLE])
def test_nouns_that_are_joined_stay_together(goal: str) -> None:
    assert len(split(goal)) == 1


@pytest.mark.parametrize(
    ("goal", "after"),
    [
        ("Book a flight and reserve a hotel", [(), ()]),
        ("- book a flight\n- reserve a hotel", [(), ()]),
        ("Book a flight and reserve a hotel, then email me the itinerary", [(), (), (0, 1)]),
        ("Collect the data. Next, clean the tables. Finally, train a model.", [(), (0,), (1,)]),
        ("1. Draft the spec\n2. Review the code", [(), (0,)]),
        ("build -> test -> deploy", [(), (0,), (1,)]),
        ("Run the tests before deploying the build", [(), (0,)]),
        ("Send the mail after checking the address", [(1,), ()]),
        ("Before you leave, close the windows", [(1,), ()]),
        ("After fixing the bug, deploy the app", [(), (0,)]),
        ("After lunch, call Ann", [()]),
        ("Book a room. After the booking is done, invite Tom.", [(), (0,)]),
        ("Make a cake and decorate it", [(), (0,)]),
        ("Write a summary and paint the wall. Print the summary.", [(), (), (0,)]),
        ("Scan the contract, feed the cat and check the results", [(), (), (0, 1)]),
        ("Book a table and water the plants, and confirm", [(), (), (0, 1)]),
        ("Log in to my bank, check the balance and pay the rent", [(), (0,), (0,)]),
        ("Wash, dry and fold the towels", [(), (0,), (1,)]),
        ("The bug must be fixed, tested and deployed", [(), (0,), (1,)]),
        ("Find a venue and hire a band that plays jazz", [(), ()]),
        ("Write the report. Send that.", [(), (0,)]),
    ],
)
def test_an_action_waits_for_what_the_goal_says_it_waits_for(goal: str, after: list[tuple[int, ...]]) -> None:
    assert [action.after for action in split(goal)] == after


def test_statements_belong_to_the_action_they_explain() -> None:
    goal = "I am moving to Rome. Book a van for me. It should be big. Then call Ann."
    first, second = split(goal)
    assert first.text == "I am moving to Rome. Book a van for me. It should be big"
    assert first.core == "Book a van for me"
    assert second.text == "call Ann"


def test_a_condition_stays_with_its_action() -> None:
    assert split("If it rains, cancel the picnic and tell everyone")[0].text == "If it rains, cancel the picnic"


def test_objects_in_a_list_stay_with_their_verb() -> None:
    (action,) = split("Buy the following:\n- milk\n- eggs")
    assert [span.text for span in action.spans] == ["Buy the following:\n- milk\n- eggs"]


def test_a_telling_heading_goes_with_the_first_item_and_a_light_one_with_none() -> None:
    goal = "Prepare my wedding:\n- find a venue\n- hire a band"
    assert [action.text for action in split(goal)] == ["Prepare my wedding. find a venue", "hire a band"]
    assert [action.text for action in split("Do the following: find a venue, hire a band")] == ["find a venue", "hire a band"]


def test_items_without_a_verb_are_actions_where_the_heading_asks_for_nothing() -> None:
    goal = "To-do list:\n- dentist\n- groceries\n- call Ann"
    assert [action.text for action in split(goal)] == ["dentist", "groceries", "call Ann"]


def test_a_shared_object_is_told_by_a_second_span() -> None:
    goal = "wash and fold the towels"
    first, second = split(goal)
    assert [(span.start, span.end, span.text) for span in first.spans] == [(0, 4, "wash"), (14, 24, "the towels")]
    assert [span.text for span in second.spans] == ["fold the towels"]


WORDS = [
    *(
        "fix",
        "book",
        "the",
        "a",
        "it",
        "them",
        "and",
        "then",
        ",",
        ".",
        ";",
        ":",
        "before",
        "after",
        "once",
        "you",
        "to",
        "i",
        "want",
        "need",
    ),
    *(
        "report",
        "reports",
        "tests",
        "test",
        "run",
        "first",
        "finally",
        "-",
        "1.",
        "2.",
        "\n",
        '"',
        "'",
        "(",
        ")",
        "->",
        "needs",
        "be",
        "fixed",
    ),
    *(
        "fixing",
        "is",
        "what",
        "how",
        "design",
        "build",
        "ship",
        "please",
        "apples",
        "Rome",
        "that",
        "who",
        "log",
        "in",
        "as",
        "well",
        "😀",
        "שלום",
    ),
]
words = st.sampled_from(WORDS)


@given(st.one_of(st.text(max_size=200), st.lists(words, max_size=60).map(" ".join)))
def test_spans_are_pieces_of_the_goal_and_order_has_no_cycle(goal: str) -> None:
    actions = split(goal)
    assert actions
    assert actions == split(goal)
    graph = nx.DiGraph()
    for place, action in enumerate(actions):
        for span in action.spans:
            assert 0 <= span.start <= span.end <= len(goal)
            assert goal[span.start : span.end] == span.text
        assert all(0 <= earlier < len(actions) for earlier in action.after)
        graph.add_edges_from((earlier, place) for earlier in action.after)
    assert nx.is_directed_acyclic_graph(graph)
