"""What one seed does: workers, tenants, traffic, and what goes wrong when. All of it is known before the play."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from random import Random

import orjson

from router.batches.batch import BatchState
from router.catalogue import Agreement, BatchTerms, CascadeRules, Catalogue, Model
from router.dialects.wire import BatchForm
from router.tenants import Key, Tenant, TenantMode
from schemas.vocabulary import Lane, Policy
from streams.config.settings import Settings
from tests.fakes.batches import Fate as LineFate
from tests.fakes.batches import Fault as BatchFault
from tests.fakes.provider import Character, Fate, Place
from tests.simulation.history import ANSWER, BOTH, LETTER, Limits
from tests.stage import ALPHA, BETA, GAMMA, make_catalogue

PARTITIONS = 4
SESSION_S = 4.0
DRAIN_S = 3.0
MARGIN_S = 8.0
"""Before the deadline of a request that waits for a batch; one with less than twice that does not wait."""
COPIES = "copies"
SETTINGS = Settings(
    partitions=PARTITIONS,
    session_timeout_s=SESSION_S,
    drain_s=DRAIN_S,
    max_in_flight=50,
    log_sample=0,
    reply_to_allowed=(COPIES,),
    batch_margin_s=MARGIN_S,
    batch_max_age_s=2.0,
    batch_poll_s=1.0,
)
LONG_S = 1000.0
"""A play of so long has three workers at its begin, so that its speed can be compared."""
KEPT = 40
"""So many of the latest requests may be published again."""
AGAIN_WITHIN_S = 60.0
LEAST_S, MOST_S = 8.0, 30.0
"""From a request to its deadline."""
COMMON = 2
"""So many questions a tenant asks again and again, with the answer cache."""
CALM = 0.35
"""The share of seeds in which nothing goes wrong, so that nothing excuses a delay."""

WAITING = 0.6
"""The share of plain requests that may wait for a batch, where models have batches."""
LEAST_WAIT_S, MOST_WAIT_S = 10.0, 40.0
"""From such a request to its deadline: some are too near, some batches too late."""

HEADERS = list[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Ask:
    """One record for the requests topic."""

    at_s: float
    partition: int
    value: bytes
    headers: tuple[tuple[str, bytes], ...]
    case: str
    tenant: str
    deadline_s: float
    expects: str = ANSWER
    is_plain: bool = True
    ttl_s: int | None = None
    question: str = ""


@dataclass(frozen=True, slots=True)
class Blow:
    """What goes wrong at a moment, and for how long. `whom` is a worker's number, or a model."""

    at_s: float
    for_s: float
    what: str
    whom: int | str


@dataclass(frozen=True, slots=True)
class Guest:
    """A tenant, its key, and how many requests a second it has."""

    tenant: Tenant
    key: str
    rate: float


@dataclass(frozen=True, slots=True)
class BatchWays:
    """How batches are in one play: at their providers, and in the catalogue."""

    takes_s: float
    ends: dict[BatchState, float]
    lines: dict[LineFate, float]
    faults: dict[str, dict[BatchFault, float]]
    outages: tuple[tuple[float, float], ...]
    """From when to when nobody answers about batches."""
    has_names: bool
    """Whether there are files, and batches that are found by our names for them, as OpenAI has them; not so
    Anthropic."""
    max_requests: int
    max_enqueued_tokens: int | None
    lane: Lane
    """Of requests that name none."""


@dataclass(slots=True)
class Plan:
    """One seed's play of `seconds`, from `began_s` on."""

    seed: int
    seconds: float
    began_s: float
    rate: float = 1.0
    """Requests a second, of all tenants together."""
    workers: int = field(init=False)
    is_calm: bool = field(init=False)
    pace: float = field(init=False)
    """So many times as long as on a good day each call takes: then more is under way when something breaks."""
    honours_keys: bool = field(init=False)
    charged_failures: frozenset[Fate] = field(init=False)
    reasoning: Place | None = field(init=False)
    cached: Place | None = field(init=False)
    policy: Policy = field(init=False)
    cascade: CascadeRules = field(init=False)
    cached_share: float = field(init=False)
    """Of the plain requests, those that ask a common question and for the answer cache."""
    batches: BatchWays | None = field(init=False)
    """None: no model has any."""
    guests: tuple[Guest, ...] = field(init=False)

    def __post_init__(self) -> None:
        random = self._random("cast")
        few = random.randint(2, 5)
        self.workers = few if self.seconds < LONG_S else 3
        self.is_calm = random.random() < CALM
        self.pace = 1.0 if self.is_calm else random.choice((1.0, 3.0, 6.0))
        self.honours_keys = random.random() < 0.5
        self.guests = tuple(self._guests(random))
        self.charged_failures = frozenset({Fate.ERROR} if random.random() < 0.5 else ())
        self.reasoning = random.choice((None, *Place))
        self.cached = random.choice((None, *Place))
        routing = self._random("policy")
        self.policy = routing.choice(tuple(Policy))
        self.cascade = CascadeRules(routing.choice(tuple(Agreement)), routing.choice((None, "gamma")))
        self.cached_share = self._random("cache").choice((0.0, 0.2, 0.4))
        self.batches = self._batches(self._random("batches"))

    def catalogue(self) -> Catalogue:
        """Return the models, and the tenants with their keys."""
        tenants = {guest.tenant.name: guest.tenant for guest in self.guests}
        catalogue = make_catalogue(*map(self._with_batches, (ALPHA, BETA)), GAMMA)
        return replace(
            catalogue if self.batches is None else replace(catalogue, lane=self.batches.lane),
            batch_if_deadline_s=2.5 * MARGIN_S,
            tenants=tenants,
            default_policy=self.policy,
            explored_share=0.05,
            cascade=self.cascade,
        )

    def characters(self) -> dict[str, Character]:
        """Return how the models are, on a good day."""
        some = {Fate.ERROR: 0.01, Fate.BROKEN_OFF: 0.005, Fate.MALFORMED: 0.002, Fate.WITHOUT_USAGE: 0.01}
        chances = {} if self.is_calm else some
        return {
            "alpha": Character(1, 2, 0.4 * self.pace, 0.5, dict(chances)),
            "beta": Character(3, 6, 0.8 * self.pace, 0.4, dict(chances)),
            "gamma": Character(5, 10, 1.2 * self.pace, 0.3, dict(chances)),
        }

    def limits(self) -> dict[str, Limits]:
        """Return what each tenant may have, for the checker."""
        return {guest.tenant.name: _limits(guest.tenant) for guest in self.guests}

    def traffic(self) -> Iterator[Ask]:
        """Return what clients publish, in order."""
        random, number, now_s = self._random("traffic"), 0, self.began_s
        common = self._random("common")
        waits = self._random("waits")
        recent: list[Ask] = []
        again: list[Ask] = []
        while True:
            now_s += random.expovariate(self.rate)
            if now_s >= self.began_s + self.seconds:
                break
            while again and again[0].at_s <= now_s:
                yield again.pop(0)
            number += 1
            guest = random.choices(self.guests, [guest.rate for guest in self.guests])[0]
            ask = self._hostile(random, guest, now_s, number, recent) if guest.tenant.name == "hostile" else None
            if ask is None:
                ask = self._plain(random, guest, now_s, f"{guest.tenant.name}-{number}")
                if common.random() < self.cached_share:
                    ask = _common(common, ask)
                if self.batches is not None and waits.random() < WAITING:
                    ask = _waiting(waits, ask)
            yield ask
            if ask.ttl_s is not None:  # twice more, by other requests
                again = sorted([*again, *(_alike(common, ask, n) for n in range(2))], key=lambda one: one.at_s)
            if ask.is_plain:
                recent = [*recent[1 - KEPT :], ask]
            if ask.is_plain and random.random() < 0.1:
                later_s = now_s + random.choice((0.01, 1.0, AGAIN_WITHIN_S)) * random.random()
                again = sorted([*again, replace(ask, at_s=later_s)], key=lambda one: one.at_s)
        yield from (one for one in again if one.at_s < self.began_s + self.seconds)

    def blows(self) -> Iterator[Blow]:
        """Return what goes wrong, in order; in a calm play nothing."""
        random, now_s = self._random("blows"), self.began_s
        every_s = min(60.0, max(4.0, self.seconds / 6))
        while not self.is_calm:
            now_s += random.expovariate(1 / every_s)
            if now_s >= self.began_s + self.seconds:
                return
            what = random.choice(("kill", "kill", "stop", "freeze", "freeze", "cut", "join", "lose", "spell", "spell"))
            whom: int | str = random.choice(("alpha", "beta", "gamma")) if what == "spell" else random.randrange(8)
            yield Blow(now_s, random.choice((1.0, SESSION_S, 3 * SESSION_S)) * (0.5 + random.random()), what, whom)

    def forgets(self) -> Iterator[tuple[float, str]]:
        """Return whose answers are to be forgotten, and when."""
        random, now_s = self._random("forgets"), self.began_s
        while self.cached_share:
            now_s += random.expovariate(1 / 8.0)
            if now_s >= self.began_s + self.seconds:
                return
            yield now_s, random.choices(self.guests, [guest.rate for guest in self.guests])[0].tenant.name

    def _batches(self, random: Random) -> BatchWays | None:
        """Return how batches are: in a fifth of the plays there are none, in two more all goes well."""
        if (luck := random.random()) < 0.2:
            return None
        is_kind, half_s = luck < 0.6, self.seconds / 2
        of_a_call = {BatchFault.UNREACHABLE: 0.05, BatchFault.UNHEARD: 0.05, BatchFault.BUSY: 0.05}
        refusals = {BatchFault.TOO_LARGE: 0.08, BatchFault.QUEUE_FULL: 0.08, BatchFault.INVALID: 0.04}
        reading = {BatchFault.CUT: 0.1, BatchFault.SHORT: 0.1}
        away_s = self.began_s + random.uniform(0, half_s)
        return BatchWays(
            takes_s=random.choice((3.0, 8.0) if is_kind else (3.0, 8.0, 30.0)),
            ends={}
            if is_kind
            else {
                BatchState.EXPIRED: 0.15,
                BatchState.FAILED: 0.15,
                BatchState.CANCELLED: 0.05,
            },
            lines={}
            if is_kind
            else {
                LineFate.FAILS: 0.1,
                LineFate.CHARGED_FAILURE: 0.05,
                LineFate.MISSING: 0.05,
                LineFate.TWICE: 0.1,
            },
            faults={}
            if is_kind
            else {
                "upload": of_a_call | refusals,
                "create": of_a_call | refusals,
                "find_upload": of_a_call,
                "find": of_a_call,
                "status": of_a_call | {BatchFault.GONE: 0.02},
                "results": of_a_call | reading,
                "cancel": of_a_call,
            },
            outages=((away_s, away_s + random.uniform(0, half_s)),) if not is_kind and random.random() < 0.5 else (),
            has_names=random.random() < 0.7,
            max_requests=random.choice((3, 50)),
            max_enqueued_tokens=random.choice((None, 500)),
            lane=random.choice((Lane.LIVE, Lane.LIVE, Lane.AUTO)),
        )

    def _with_batches(self, model: Model) -> Model:
        """Return a model as the catalogue has it, at half of its price in batches."""
        if self.batches is None or model.price is None:
            return model
        half, ways = model.price.times(Decimal("0.5"), Decimal(0)), self.batches
        terms = BatchTerms(BatchForm.OPENAI, half, 86_400.0, ways.max_requests, 1_000_000, ways.max_enqueued_tokens)
        return replace(model, batch=terms)

    def _random(self, purpose: str) -> Random:
        return Random(f"{self.seed}/{purpose}")  # noqa: S311 - dice

    def _guests(self, random: Random) -> Iterator[Guest]:
        budget = Decimal(20)
        many = 4
        yield self._guest("steady", 0.40)
        yield self._guest("active", 0.15, daily_budget_usd=Decimal(5))
        for number in range(many):
            yield self._guest(f"quiet-{number}", 0.03, daily_budget_usd=budget)
        yield self._guest("poor", 0.08, daily_budget_usd=Decimal(random.choice(("0.0004", "0.002", "0.01"))))
        yield self._guest("limited", 0.08, requests_per_minute=random.choice((3, 20)), concurrent_requests=2)
        yield self._guest("shadow", 0.04, daily_budget_usd=Decimal("0.0005"), mode=TenantMode.SHADOW)
        yield self._guest("hostile", 0.13, daily_budget_usd=Decimal("0.05"))

    def _guest(self, name: str, rate: float, **limits: object) -> Guest:
        key = f"turnout-{hashlib.sha256(f'{self.seed}/{name}'.encode()).hexdigest()[:40]}"
        digest = hashlib.sha256(key.encode()).hexdigest()
        return Guest(Tenant(name, keys=(Key(digest),), **limits), key, rate)  # type: ignore[arg-type]  # limits' types differ

    def _plain(self, random: Random, guest: Guest, now_s: float, request_id: str, **fields: object) -> Ask:
        deadline_s = now_s + random.uniform(LEAST_S, MOST_S)
        asked = {
            "request_id": request_id,
            "prompt": "Write a poem about the sea. " * random.choice((1, 1, 4)),
            "max_tokens": random.choice((20, 50, 200)),
            "deadline": datetime.fromtimestamp(deadline_s, UTC).isoformat(),
            **fields,
        }
        if random.random() < 0.05:
            asked["reply_to"] = COPIES
        headers = (("authorization", f"Bearer {guest.key}".encode()),)
        place = int(hashlib.sha256(request_id.encode()).hexdigest(), 16) % PARTITIONS
        return Ask(now_s, place, orjson.dumps(asked), headers, request_id, guest.tenant.name, deadline_s)

    def _hostile(  # noqa: PLR0911 - one for each thing that is tried
        self, random: Random, guest: Guest, now_s: float, number: int, recent: list[Ask]
    ) -> Ask | None:
        """Return what a client with a key of its own tries; None: it asks something ordinary."""
        name = f"hostile-{number}"
        ask = self._plain(random, guest, now_s, name)
        body = orjson.loads(ask.value)
        victim = random.choice(recent) if recent else ask
        match random.randrange(10):
            case 0:
                return replace(ask, value=b"\xff\x00 not JSON " + name.encode(), expects=LETTER, is_plain=False)
            case 1:
                value = orjson.dumps({**body, "prompt": 7})
                return replace(ask, value=value, expects=BOTH, is_plain=False)
            case 2:
                return replace(ask, headers=(), is_plain=False)
            case 3:
                return replace(ask, headers=(("authorization", b"Bearer wrong"),), is_plain=False)
            case 4:
                return replace(ask, value=orjson.dumps({**body, "tenant": victim.tenant + "x"}), is_plain=False)
            case 5:
                return replace(ask, value=orjson.dumps({**body, "reply_to": "secrets"}), is_plain=False)
            case 6:
                past = datetime.fromtimestamp(now_s - 5, UTC).isoformat()
                value = orjson.dumps({**body, "deadline": past})
                return replace(ask, value=value, deadline_s=now_s - 5, is_plain=False)
            case 7 if victim.tenant != "hostile":  # another tenant's id, with a key of its own
                theirs = orjson.loads(victim.value)["request_id"]
                value = orjson.dumps({**body, "request_id": theirs, "prompt": name})
                return replace(ask, value=value, partition=victim.partition, is_plain=False)
            case 8 if victim.tenant == "hostile":  # an id of its own, with another body
                theirs = orjson.loads(victim.value)["request_id"]
                value = orjson.dumps({**body, "request_id": theirs, "prompt": name})
                return replace(ask, value=value, partition=victim.partition, is_plain=False)
        return None


def _common(random: Random, ask: Ask) -> Ask:
    """Return a request as one that asks a common question, for which an earlier answer will do."""
    which, ttl_s = random.randrange(COMMON), random.choice((2, 10, 3600))
    asked = {"prompt": f"Write a poem about the sea, number {which}.", "max_tokens": 50, "cache": {"ttl_s": ttl_s}}
    return replace(
        ask, value=orjson.dumps({**orjson.loads(ask.value), **asked}), ttl_s=ttl_s, question=f"common-{which}"
    )


def _alike(random: Random, ask: Ask, number: int) -> Ask:
    """Return another request with the same question, at about the same time."""
    name, later_s = f"{ask.case}-{number}", random.choice((0.0, 1.0, 5.0)) * random.random()
    value = orjson.dumps({**orjson.loads(ask.value), "request_id": name})
    place = random.randrange(PARTITIONS)
    return replace(ask, at_s=ask.at_s + later_s, case=name, value=value, partition=place)


def _waiting(random: Random, ask: Ask) -> Ask:
    """Return a request as one that may wait."""
    deadline_s = ask.at_s + random.uniform(LEAST_WAIT_S, MOST_WAIT_S)
    lane = random.choice((Lane.BATCH, Lane.BATCH, Lane.AUTO))
    until = datetime.fromtimestamp(deadline_s, UTC).isoformat()
    value = orjson.dumps({**orjson.loads(ask.value), "lane": lane, "deadline": until})
    return replace(ask, value=value, deadline_s=deadline_s)


def _limits(tenant: Tenant) -> Limits:
    budget = tenant.daily_budget_usd
    return Limits(
        None if budget is None else int(budget * 10**9),
        tenant.requests_per_minute,
        tenant.concurrent_requests,
        not tenant.enforced,
    )
