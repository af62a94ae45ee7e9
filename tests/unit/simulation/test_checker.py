"""The checker finds what is wrong: histories of real plays, each broken in one way."""

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from schemas.vocabulary import Policy
from streams.publisher import HOLDER
from tests.simulation.checker import check
from tests.simulation.history import LETTER, Charged, Committed, Forgot, History, Left, Published, Written
from tests.simulation.play import planned, play

CALM, SECONDS = 2, 60.0
"""A seed in which nothing goes wrong."""

Break = Callable[[History], object]


@cache
def _played() -> History:
    plan = planned(CALM, SECONDS)
    plan.policy = Policy.CHAIN  # each answer has its one call
    return play(plan)


@pytest.fixture
def history() -> History:
    return deepcopy(_played())


def test_a_play_in_which_nothing_went_wrong_has_nothing_wrong(history: History) -> None:
    assert check(history) == []
    assert not history.troubles
    assert len(history.called) > SECONDS / 2


def _named(record: Written, name: str) -> bool:
    return record.topic == f"llm.{name}.v1"


def _first(history: History, name: str, **fields: object) -> int:
    """Return the place of the first record of a topic whose fields are these."""
    for place, record in enumerate(history.written):
        if _named(record, name) and fields.items() <= json.loads(record.value or b"{}").items():
            return place
    raise AssertionError((name, fields))


def _change(history: History, name: str, where: dict[str, object], **fields: object) -> None:
    place = _first(history, name, **where)
    record = history.written[place]
    value = json.dumps(json.loads(record.value or b"{}") | fields).encode()
    history.written[place] = replace(record, value=value)


def _message(history: History, name: str, **where: object) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(history.written[_first(history, name, **where)].value or b"{}")
    return found


def _case(history: History, message: dict[str, Any]) -> Published:
    place = message["request_partition"], message["request_offset"]
    return next(one for one in history.published if (one.partition, one.offset) == place)


COMPLETED: dict[str, object] = {"status": "completed"}
METERED: dict[str, object] = {"certainty": "metered"}


def _lose_an_answer(history: History) -> None:
    del history.written[_first(history, "responses", **COMPLETED)]


def _answer_again(history: History) -> None:
    answer = history.written[_first(history, "responses", **COMPLETED)]
    history.written.append(replace(answer, at_s=answer.at_s + 1))


def _answer_what_was_never_asked(history: History) -> None:
    _change(history, "responses", COMPLETED, request_offset=10_000)


def _answer_what_is_no_request(history: History) -> None:
    asked = _case(history, _message(history, "responses", **COMPLETED))
    history.published[history.published.index(asked)] = replace(asked, expects=LETTER)


def _answer_to_another_tenant(history: History) -> None:
    place = _first(history, "responses", status="completed", tenant="steady")
    answer = history.written[place]
    history.written[place] = replace(answer, value=(answer.value or b"").replace(b'"steady"', b'"quiet-0"'))


def _complete_without_a_call(history: History) -> None:
    key = _message(history, "costs", **METERED)["event_id"]
    history.called = [call if call.key != key else replace(call, fate="error") for call in history.called]


def _bury_a_good_request(history: History) -> None:
    asked = _case(history, _message(history, "responses", **COMPLETED))
    headers = (("partition", str(asked.partition).encode()), ("offset", str(asked.offset).encode()))
    history.written.append(Written(asked.at_s, "llm.dead-letters.v1", 0, 99, None, b"", headers, "w0@1"))


def _bury_twice(history: History) -> None:
    history.written.append(history.written[_first_letter(history)])


def _first_letter(history: History) -> int:
    return next(place for place, record in enumerate(history.written) if _named(record, "dead-letters"))


def _bury_nothing(history: History) -> None:
    del history.written[_first_letter(history)]


def _forget_a_cost(history: History) -> None:
    del history.written[_first(history, "costs", **METERED)]


def _bill_too_much(history: History) -> None:
    cost = _message(history, "costs", **METERED)["cost_nano_usd"]
    _change(history, "costs", METERED, cost_nano_usd=cost + 1)


def _bill_too_little_of_an_unknown_call(history: History) -> None:
    _change(history, "costs", METERED, certainty="unknown", cost_nano_usd=1)


def _give_a_call_two_prices(history: History) -> None:
    place = _first(history, "costs", **METERED)
    message = json.loads(history.written[place].value or b"{}") | {"cost_nano_usd": 7}
    history.written.append(replace(history.written[place], value=json.dumps(message).encode()))


def _cut_a_call_off(history: History) -> None:
    _change(history, "costs", METERED, outcome="cut_off")


def _miscount(history: History) -> None:
    history.ended_s += 120
    tenant = _message(history, "costs", tenant="active")["tenant"]
    for place, record in enumerate(history.written):
        if _named(record, "budgets") and json.loads(record.value or b"{}")["tenant"] == tenant:
            message = json.loads(record.value or b"{}")
            for window in message["windows"]:
                window["spent_usd"] = "0.000000001"
            history.written[place] = replace(record, value=json.dumps(message).encode())


def _commit_back(history: History) -> None:
    last = max(history.committed, key=lambda commit: commit.offset)
    history.committed.append(Committed(last.at_s + 1, last.partition, last.offset - 1))


def _commit_too_early(history: History) -> None:
    asked = _case(history, _message(history, "responses", **COMPLETED))
    at = next(i for i, one in enumerate(history.committed) if one.partition == asked.partition)
    history.committed.insert(at, Committed(asked.at_s, asked.partition, asked.offset + 1))


def _call_before_writing_ahead(history: History) -> None:
    call = history.called[0]
    history.called[0] = replace(call, began_s=call.began_s - 5)


def _call_again(history: History) -> None:
    history.called.append(replace(history.called[0], began_s=history.called[0].began_s + 1))


def _pay_twice(history: History) -> None:
    paid = history.written[_first(history, "costs", outcome="succeeded")]
    message = json.loads(paid.value or b"{}") | {"event_id": "another"}
    history.written.append(replace(paid, value=json.dumps(message).encode()))
    history.charged.append(Charged(paid.at_s, "another", message["cost_nano_usd"]))


def _call_too_many_at_once(history: History) -> None:
    history.max_in_flight = 1
    first = history.called[0]
    history.called[1] = replace(history.called[1], caller=first.caller, began_s=first.began_s, ended_s=first.ended_s)


def _spend_beyond_the_budget(history: History) -> None:
    limits = history.tenants["active"]
    history.tenants["active"] = replace(limits, budget_nano_usd=1000)


def _let_too_many_in(history: History) -> None:
    limits = history.tenants["steady"]
    history.tenants["steady"] = replace(limits, per_minute=1)


def _serve_too_many_at_a_time(history: History) -> None:
    limits = history.tenants["steady"]
    history.tenants["steady"] = replace(limits, at_a_time=0)
    history.called = [replace(call, began_s=call.began_s, ended_s=call.began_s + 19) for call in history.called]


def _tell_a_key(history: History) -> None:
    place = _first(history, "responses", **COMPLETED)
    answer = history.written[place]
    history.written[place] = replace(answer, headers=(("x", b"Bearer " + history.secrets[0].encode()),))


def _answer_late(history: History) -> None:
    asked = _case(history, _message(history, "responses", **COMPLETED))
    place = _first(history, "responses", **COMPLETED)
    history.written[place] = replace(history.written[place], at_s=asked.deadline_s + 4)


def _starve(history: History) -> None:
    asked = _plain(history)
    keys = {
        json.loads(record.value or b"{}")["event_id"]
        for record in history.written
        if _named(record, "calls") and _case(history, json.loads(record.value or b"{}")).case == asked.case
    }
    history.called = [call for call in history.called if call.key not in keys]


def _plain(history: History) -> Published:
    return next(one for one in history.published if one.tenant == "steady" and one.is_plain and one.ttl_s is None)


def _keep_waiting(history: History) -> None:
    asked = _plain(history)
    history.published[history.published.index(asked)] = replace(asked, at_s=asked.at_s - 1.5)


def _fail_for_no_reason(history: History) -> None:
    _change(history, "responses", {"request_id": _plain(history).case}, status="failed")


def _fall_silent(history: History) -> None:
    history.written = [record for record in history.written if not _named(record, "model-health")]


def _keep_money(history: History) -> None:
    history.left[0] = replace(history.left[0], reserved=("a-call",))


def _keep_money_for_anothers_call(history: History) -> None:
    """Keep it without a try to write the call ahead, while another worker has made it and names itself."""
    told = [record for record in history.written if HOLDER in {name for name, _ in record.headers}]
    history.left.append(Left("w9@9", (json.loads(told[-1].value or b"{}")["event_id"],), 0, 0))


def _leave_work(history: History) -> None:
    history.left.append(Left("w9@9", (), 1, 2))


def _log_an_error(history: History) -> None:
    history.defects.append("a task has ended")


HIT: dict[str, object] = {"cached": True}


def _use_an_answer_of_another_tenant(history: History) -> None:
    _change(history, "responses", HIT, tenant="quiet-0")


def _use_the_answer_to_another_question(history: History) -> None:
    asked = _case(history, _message(history, "responses", **HIT))
    history.published[history.published.index(asked)] = replace(asked, question="another")


def _use_an_answer_that_nobody_asked_the_cache_for(history: History) -> None:
    asked = _case(history, _message(history, "responses", **HIT))
    history.published[history.published.index(asked)] = replace(asked, ttl_s=None)


def _use_an_old_answer(history: History) -> None:
    asked = _case(history, _message(history, "responses", **HIT))
    history.published[history.published.index(asked)] = replace(asked, ttl_s=-1)


def _use_another_answer(history: History) -> None:
    _change(history, "responses", HIT, message={"role": "assistant", "content": "Something else."})


def _use_an_answer_that_was_cut(history: History) -> None:
    hit = _message(history, "responses", **HIT)
    _change(history, "responses", {"request_id": hit["origin_request_id"]}, finish_reason="length")
    for place, record in enumerate(history.written):
        if _named(record, "responses"):
            message = json.loads(record.value or b"{}")
            if message.get("origin_request_id") == hit["origin_request_id"]:
                value = json.dumps(message | {"finish_reason": "length"}).encode()
                history.written[place] = replace(record, value=value)


def _bill_what_is_from_the_cache(history: History) -> None:
    hit = _message(history, "responses", **HIT)
    _change(history, "costs", METERED, request_partition=hit["request_partition"], request_offset=hit["request_offset"])


def _use_what_was_to_be_forgotten(history: History) -> None:
    hit = _message(history, "responses", **HIT)
    place = _first(history, "responses", request_id=hit["request_id"])
    history.written[place] = replace(history.written[place], at_s=history.ended_s)
    history.forgot.append(Forgot(history.ended_s - 3, hit["tenant"]))


BREAKS: dict[Break, str] = {
    _lose_an_answer: "was never answered",
    _answer_again: "was answered twice",
    _answer_what_was_never_asked: "and never asked",
    _answer_what_is_no_request: "is no request and was answered",
    _answer_to_another_tenant: "was answered to quiet-0",
    _complete_without_a_call: "no provider has answered it",
    _bury_a_good_request: "became a dead letter",
    _bury_twice: "has 2 dead letters",
    _bury_nothing: "has no dead letter",
    _forget_a_cost: "has no cost event",
    _bill_too_much: "and was charged",
    _bill_too_little_of_an_unknown_call: "of unknown cost is billed 1",
    _give_a_call_two_prices: "has 2 prices",
    _cut_a_call_off: "was cut off, and nothing was done to any worker",
    _miscount: "the accounts tell 0.000000001",
    _commit_back: "went back from",
    _commit_too_early: "passed an unfinished record",
    _call_before_writing_ahead: "before its write-ahead record",
    _call_again: "was made 2 times",
    _pay_twice: "was paid for 2 times",
    _call_too_many_at_once: "calls under way at once",
    _spend_beyond_the_budget: "of 1000 nano-dollars",
    _let_too_many_in: "calls in a minute",
    _serve_too_many_at_a_time: "steady had",
    _tell_a_key: "a key stands in llm.responses.v1",
    _answer_late: "after its deadline",
    _starve: "was never called for",
    _keep_waiting: "was called for only after 1.5",
    _fail_for_no_reason: "all models are well, and it was failed",
    _fall_silent: "llm.model-health.v1 was silent",
    _keep_money: "has money reserved for call a-call",
    _keep_money_for_anothers_call: "has money reserved for call",
    _use_an_answer_of_another_tenant: "was answered with another answer than",
    _use_the_answer_to_another_question: "and did not ask for that",
    _use_an_answer_that_nobody_asked_the_cache_for: "and did not ask for that",
    _use_an_old_answer: "s old, and takes one of -1 s",
    _use_another_answer: "was answered with another answer than",
    _use_an_answer_that_was_cut: "with what is no whole answer to",
    _bill_what_is_from_the_cache: "was answered from the cache by",
    _use_what_was_to_be_forgotten: "with what was to be forgotten 3.0 s before",
    _leave_work: "1 requests under way and 2 waiting",
    _log_an_error: "a task has ended",
}


@pytest.mark.parametrize("broken", BREAKS, ids=lambda broken: broken.__name__.strip("_"))
def test_what_is_broken_is_found(history: History, broken: Break) -> None:
    broken(history)
    found = check(history)
    assert any(BREAKS[broken] in sentence for sentence in found), found
