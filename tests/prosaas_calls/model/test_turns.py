"""Whose turn it is."""

from collections.abc import Callable

import pytest

from prosaas_calls.model.turns import Turns


def test_a_fresh_conversation_is_settled_and_asks_for_nothing() -> None:
    """Nobody is in the middle of anything."""
    turns = Turns()

    assert turns.settled.is_set()
    assert not turns.may_ask


def test_an_answer_is_asked_for_when_the_tools_of_a_response_are_done() -> None:
    """Not while the response that called them is still active, and not before the last of them has answered."""
    turns = Turns()
    turns.created("r1")
    turns.work_begins()
    turns.work_begins()
    turns.want()
    turns.work_ends()
    assert not turns.may_ask
    turns.work_ends()
    assert not turns.may_ask
    turns.done("r1")
    assert turns.may_ask


def test_nothing_is_asked_while_a_single_tool_is_at_work() -> None:
    turns = Turns()
    turns.work_begins()
    turns.want()
    assert not turns.may_ask
    turns.work_ends()
    assert turns.may_ask


def test_one_response_is_asked_for_at_a_time() -> None:
    """Until the model begins the one that was asked for, there is no second request."""
    turns = Turns()
    turns.want()
    turns.asked()
    turns.want()

    assert not turns.may_ask
    turns.created("r1")
    turns.done("r1")
    assert not turns.may_ask


def test_the_caller_is_not_talked_over() -> None:
    """While the caller speaks nothing is asked for; then for all that was wanted once."""
    turns = Turns()
    turns.caller_starts()
    turns.want()
    assert not turns.may_ask

    turns.caller_stops()
    assert turns.may_ask
    turns.created("r1")
    turns.done("r1")
    assert not turns.may_ask
    assert turns.settled.is_set()


def test_a_refused_request_is_made_again_after_the_active_response() -> None:
    """The model had begun to answer before it saw the tool's output."""
    turns = Turns()
    turns.want()
    turns.asked()
    turns.created("of its own accord")
    turns.refused()
    assert not turns.may_ask

    turns.done("of its own accord")
    assert turns.may_ask


def test_a_request_that_is_refused_behind_a_response_of_the_models_own_is_made_again() -> None:
    turns = Turns()
    turns.created("of its own accord")
    turns.asked()
    turns.refused()
    turns.done("of its own accord")
    assert turns.may_ask


def test_a_call_that_ends_asks_for_nothing_and_lets_nothing_be_heard() -> None:
    turns = Turns()
    turns.want()
    assert not turns.is_discarded("r1")
    turns.closed = True
    assert not turns.may_ask
    assert turns.is_discarded("r1")


@pytest.mark.parametrize(
    "begin",
    [
        Turns.caller_starts,
        Turns.work_begins,
        Turns.want,
        Turns.asked,
        Turns.refused,
        lambda turns: turns.created("r1"),
    ],
)
def test_nothing_is_settled_while_anything_is_under_way(begin: Callable[[Turns], None]) -> None:
    turns = Turns()
    begin(turns)
    assert not turns.settled.is_set()


def test_an_interrupted_response_stays_discarded_until_it_is_done() -> None:
    """Deltas may come late, after the model was told to stop; who was not speaking cannot be stopped."""
    turns = Turns()
    assert not turns.drop()
    turns.created("r1")
    assert turns.drop()
    assert not turns.drop()
    assert turns.is_discarded("r1")
    turns.done("r1")
    assert not turns.is_discarded("r1")
    turns.created("r2")
    assert not turns.is_discarded("r2")


def test_settled_covers_the_moment_between_a_sentence_and_its_answer() -> None:
    """The caller has finished, the model has not begun: the session must not be changed just then."""
    turns = Turns()
    turns.caller_starts()
    assert not turns.settled.is_set()
    turns.caller_stops()
    turns.want()
    assert not turns.settled.is_set()
    turns.created("r1")
    assert not turns.settled.is_set()
    turns.done("r1")
    assert turns.settled.is_set()


def test_a_sound_that_nobody_answers_leaves_all_settled() -> None:
    turns = Turns()
    turns.caller_starts()
    assert not turns.settled.is_set()
    turns.caller_stops()
    assert turns.settled.is_set()


def test_a_tool_at_work_and_a_wish_that_was_taken_back_settle_when_they_are_over() -> None:
    turns = Turns()
    for begins, ends in ((turns.work_begins, turns.work_ends), (turns.want, turns.unwant)):
        begins()
        assert not turns.settled.is_set()
        ends()
        assert turns.settled.is_set()


def test_a_new_connection_has_no_responses() -> None:
    """What was active on the old one will never be done."""
    turns = Turns()
    turns.created("r1")
    turns.drop()
    turns.caller_starts()

    turns.reset()

    assert turns.settled.is_set()
    assert not turns.is_discarded("r1")


def test_an_answer_is_due_until_its_first_sound_and_owed_until_its_end() -> None:
    turns = Turns()
    assert (turns.answer_due, turns.owing) == (False, False)
    turns.want()
    assert (turns.answer_due, turns.owing) == (True, False)
    turns.asked()
    turns.unwant()
    assert (turns.answer_due, turns.owing) == (True, True)
    for response in ("r1", "r2"):
        turns.created(response)
        assert (turns.answer_due, turns.owing) == (True, True)
        turns.spoke = True
        assert (turns.answer_due, turns.owing) == (False, True)
        turns.done(response)
        assert (turns.answer_due, turns.owing) == (False, False)


def test_what_the_caller_was_given_is_known_by_its_item_as_long_as_the_connection_lasts() -> None:
    turns = Turns()
    turns.created("r1")
    turns.drop()
    assert turns.is_withheld("r1", "spoken")
    assert turns.gives("spoken", "item")
    assert not turns.gives("spoken", "item")
    assert not turns.is_withheld("r1", "spoken")
    assert turns.gives("words without an item", "")
    assert turns.items == {"item"}
    turns.reset()
    assert turns.items == set()
