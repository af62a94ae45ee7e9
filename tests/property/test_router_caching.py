"""The answer cache's key against what decides an answer, and its index against a dictionary that forgets nothing."""

from random import Random

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from router.caching.forgotten import Forgotten
from router.caching.index import CacheIndex, Place
from router.caching.key import key_of_job, question_key
from router.identity import ASKED, NOT_ASKED, Identity, asked_of
from router.job import Job
from schemas.requests import Request
from schemas.vocabulary import Policy
from tests.examples import examples
from tests.stage import NOW_S, ORIGIN, TWO

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=12).filter(
    lambda text: text.strip() == text
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.dictionaries(WORDS, JSON, max_size=3)
DECIDING: dict[str, st.SearchStrategy[object]] = {
    "prompt": WORDS,
    "system_prompt": WORDS,
    "tools": st.lists(OBJECTS, max_size=2),
    "tool_choice": st.sampled_from(["auto", "none", "required"]),
    "response_format": OBJECTS,
    "parameters": st.fixed_dictionaries({}, optional={"seed": st.integers(0, 9), "top_p": st.floats(0, 1)}),
    "temperature": st.floats(0, 2),
    "max_tokens": st.integers(1, 4000),
    "tier": st.sampled_from(["fast", "powerful"]),
    "model": st.sampled_from(["alpha", "beta"]),
    "policy": st.sampled_from(["cost", "latency"]),
    "quality_slack": st.floats(0, 1),
    "max_cost_usd": st.sampled_from(["0.01", "0.02"]),
    "max_latency_ms": st.integers(1, 9999),
}
BESIDE: dict[str, st.SearchStrategy[object]] = {
    "request_id": WORDS,
    "deadline": st.sampled_from(["2027-01-15T08:05:00Z", "2027-01-15T09:05:00+01:00"]),
    "reply_to": st.sampled_from(["answers", "copies"]),
    "metadata": st.dictionaries(WORDS, st.integers(0, 9), max_size=2),
    "cache": st.fixed_dictionaries({"ttl_s": st.integers(0, 9)}),
    "lane": st.sampled_from(["live", "auto"]),
}
QUESTIONS = st.fixed_dictionaries({"prompt": WORDS}, optional={k: v for k, v in DECIDING.items() if k != "prompt"})


def key_of(fields: dict[str, object]) -> str | None:
    request = Request.model_validate_json(orjson.dumps(fields))
    return key_of_job(Job(request, Identity(request.tenant, "r", asked_of(request)), ORIGIN, NOW_S, NOW_S + 9), TWO)


def test_the_properties_know_the_fields() -> None:
    of_other_forms = {"messages", "input", "dimensions", "encoding_format"}
    assert DECIDING.keys() | of_other_forms == ASKED
    assert BESIDE.keys() | {"tenant", "schema_version"} == NOT_ASKED


@given(QUESTIONS, st.fixed_dictionaries({}, optional=BESIDE), st.randoms())
@settings(max_examples=examples(200), deadline=None)
def test_what_does_not_decide_and_the_order_of_fields_change_no_key(
    asked: dict[str, object], beside: dict[str, object], random: Random
) -> None:
    items = [*asked.items(), *beside.items()]
    random.shuffle(items)
    assert key_of(dict(items)) == key_of(asked)


@given(QUESTIONS, st.sampled_from(sorted(DECIDING)), st.data())
@settings(max_examples=examples(200), deadline=None)
def test_whatever_decides_changes_the_key(asked: dict[str, object], name: str, data: st.DataObject) -> None:
    other = {**asked, name: data.draw(DECIDING[name])}
    same = _canonical(other) == _canonical(asked)
    assert (key_of(other) == key_of(asked)) is same


def _canonical(fields: dict[str, object]) -> object:
    """Return the question as it is read, where numbers are compared as numbers and nulls say nothing."""
    return Request.model_validate_json(orjson.dumps(fields)).model_dump(exclude_none=True)


@given(WORDS, WORDS, st.booleans(), st.booleans())
def test_no_two_tenants_share_a_key(one: str, other: str, proven: bool, also: bool) -> None:  # noqa: FBT001
    keys = [
        question_key(tenant, "a" * 64, None, Policy.CHAIN, proven=is_proven)
        for tenant, is_proven in ((one, proven), (other, also))
    ]
    assert (keys[0] == keys[1]) is ((one, proven) == (other, also))


MOST = 12


class IndexMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.index = CacheIndex(MOST, 1000)
        self.now_s = NOW_S
        self.end = 0
        self.known: dict[str, tuple[str, Place, float]] = {}
        self.used: list[str] = []
        self.told: list[tuple[int, str]] = []
        """What was to be forgotten, and at which offset."""

    @rule(
        number=st.integers(0, 40),
        tenant=st.sampled_from(["a", "b"]),
        ttl_s=st.integers(1, 100),
        partition=st.integers(0, 2**31 - 1),
        offset=st.integers(0, 2**53),
        behind=st.integers(0, 5),
    )
    def learns(self, number: int, tenant: str, ttl_s: int, partition: int, offset: int, behind: int) -> None:
        key, place, followed = f"{number:032x}", Place(partition, offset), max(0, self.end - behind)
        self.index.drop(key)
        self._gone(key)
        self.index.learn(key, tenant, place, self.now_s + ttl_s, followed)
        self.end += 1
        if not any(at >= followed and what in {key, tenant} for at, what in self.told):
            self.known[key] = tenant, place, self.now_s + ttl_s
            self._use(key)

    @rule(number=st.integers(0, 40))
    def looks_up(self, number: int) -> None:
        key = f"{number:032x}"
        found = self.index.find(key, self.now_s)
        known = self.known.get(key)
        if known is None or known[2] <= self.now_s:
            assert found is None
        elif found is not None:
            assert found == known[1]
            self._use(key)
        else:
            assert key not in self.used[-(MOST // 2 - 1) :], "one of those that were used last is gone"

    @rule(tenant=st.sampled_from(["a", "b"]))
    def forgets_a_tenant(self, tenant: str) -> None:
        self.index.forget_tenant(tenant, self.end)
        self._told(tenant)
        for key in [key for key, known in self.known.items() if known[0] == tenant]:
            self._gone(key)

    @rule(number=st.integers(0, 40))
    def forgets_a_question(self, number: int) -> None:
        self.index.forget(f"{number:032x}", self.end)
        self._told(f"{number:032x}")
        self._gone(f"{number:032x}")

    @rule(seconds=st.integers(1, 50))
    def time_passes(self, seconds: int) -> None:
        self.now_s += seconds

    @invariant()
    def memory_is_bounded(self) -> None:
        assert len(self.index) <= MOST

    def _told(self, what: str) -> None:
        self.told.append((self.end, what))
        self.end += 1

    def _use(self, key: str) -> None:
        self.used = [one for one in self.used if one != key] + [key]

    def _gone(self, key: str) -> None:
        self.known.pop(key, None)
        self.used = [one for one in self.used if one != key]


TestIndex = IndexMachine.TestCase
TestIndex.settings = settings(max_examples=examples(100), stateful_step_count=60, deadline=None)


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=40), st.integers(1, 5), st.integers(0, 40))
def test_of_more_than_is_kept_nothing_that_was_to_be_forgotten_is_used(
    told: list[tuple[int, bool]], most: int, followed: int
) -> None:
    forgotten = Forgotten(most)
    for offset, (which, of_tenant) in enumerate(told):
        if of_tenant:
            forgotten.tenant(f"t-{which}", offset)
        else:
            forgotten.question(which, offset)
        assert len(forgotten) <= most
    for number in range(10):
        for tenant in (f"t-{number}", "another"):
            named = {(number, False), *(() if tenant == "another" else ((number, True),))}
            last = [at for at, what in enumerate(told) if what in named]
            if any(at >= followed for at in last):
                assert forgotten.since(followed, number, tenant)
    assert not forgotten.since(len(told), 1, "t-1"), "what is asked from now on is kept"
