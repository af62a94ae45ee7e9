import pytest

from router.dead_letters import DeadLetterLimit, DeadLetterRules, TooManyDeadLetters

NOON_S = 1_767_268_800.0


def limit(share: float = 0.5, minimum: int = 10) -> DeadLetterLimit:
    return DeadLetterLimit(DeadLetterRules(share=share, minimum=minimum, window_s=60))


def taken(limit: DeadLetterLimit, now_s: float, *, good: int = 0, bad: int = 0) -> None:
    for _ in range(good):
        limit.count(now_s)
    for _ in range(bad):
        limit.count(now_s)
        limit.count_dead_letter(now_s, "empty: the value is null")


def test_poison_alone_passes_until_the_sample_is_large_enough() -> None:
    poisoned = limit(minimum=10)
    taken(poisoned, NOON_S, bad=9)
    poisoned.count(NOON_S)
    with pytest.raises(TooManyDeadLetters) as caught:
        poisoned.count_dead_letter(NOON_S, "empty: the value is null")
    assert str(caught.value) == (
        "10 of 10 records in 60 s would be dead letters, more than a share of 0.5; the last one because "
        "empty: the value is null"
    )


def test_the_share_itself_may_be_reached_but_not_exceeded() -> None:
    half = limit(share=0.5)
    taken(half, NOON_S, good=51, bad=50)
    half.count(NOON_S)
    half.count_dead_letter(NOON_S, "not_json")
    half.count(NOON_S)
    with pytest.raises(TooManyDeadLetters, match="52 of 103"):
        half.count_dead_letter(NOON_S, "not_json")


def test_after_the_excess_good_records_are_refused_too_and_no_time_heals_it() -> None:
    halted = limit(minimum=1)
    halted.count(NOON_S)
    with pytest.raises(TooManyDeadLetters):
        halted.count_dead_letter(NOON_S, "not_json")
    for later_s in (NOON_S, NOON_S + 3600):
        with pytest.raises(TooManyDeadLetters):
            halted.count(later_s)
        with pytest.raises(TooManyDeadLetters):
            halted.count_dead_letter(later_s, "not_json")


def test_a_share_of_one_is_never_exceeded() -> None:
    off = limit(share=1.0, minimum=1)
    taken(off, NOON_S, bad=5000)


def test_what_has_left_the_window_counts_no_more_be_it_good_or_bad() -> None:
    good_before = limit()
    taken(good_before, NOON_S, good=1000)
    with pytest.raises(TooManyDeadLetters, match="10 of 10 "):
        taken(good_before, NOON_S + 60, bad=10)
    bad_before = limit(minimum=100)
    taken(bad_before, NOON_S, bad=99)
    taken(bad_before, NOON_S + 60, bad=99)
    taken(bad_before, NOON_S + 119.9, good=99)
    with pytest.raises(TooManyDeadLetters, match="100 of 199 "):
        taken(bad_before, NOON_S + 119.9, bad=1)


def test_a_clock_that_steps_back_neither_fails_nor_forgets() -> None:
    stepped = limit(minimum=10)
    taken(stepped, NOON_S, bad=5)
    with pytest.raises(TooManyDeadLetters, match="10 of 10 "):
        taken(stepped, NOON_S - 3600, bad=5)


def test_an_excess_of_defects_counts_each_record_once() -> None:
    defective = limit(share=0.5, minimum=10)
    for _ in range(20):
        defective.count(NOON_S)
    for _ in range(10):
        defective.count_dead_letter(NOON_S, "internal_error")
    with pytest.raises(TooManyDeadLetters, match="11 of 20 "):
        defective.count_dead_letter(NOON_S, "internal_error")


def test_one_tenants_junk_halts_no_worker_that_serves_others_well() -> None:
    many = limit(share=0.1, minimum=10)
    for _ in range(50):
        many.count(NOON_S, "good")
    for _ in range(500):
        many.count(NOON_S, "careless")
        many.count_dead_letter(NOON_S, "not_json", "careless")


def junk(limit: DeadLetterLimit, count: int, *tenants: str) -> None:
    for _ in range(count):
        for tenant in tenants:
            limit.count(NOON_S, tenant)
            limit.count_dead_letter(NOON_S, "not_json", tenant)


def test_one_tenants_junk_halts_no_worker_while_the_others_publish_nothing() -> None:
    many = limit(share=0.1, minimum=10)
    junk(many, 500, "careless")


def test_one_tenants_junk_halts_no_worker_by_a_few_mistakes_of_others() -> None:
    many = limit(share=0.1, minimum=10)
    junk(many, 500, "careless")
    junk(many, 9, "good")
    junk(many, 500, "careless")


def test_junk_of_several_tenants_halts_the_worker() -> None:
    many = limit(share=0.1, minimum=10)
    junk(many, 4, "one", "two", "three")
    for tenant in ("one", "two", "three"):
        many.count(NOON_S, tenant)
    with pytest.raises(TooManyDeadLetters, match="13 of 15 "):
        many.count_dead_letter(NOON_S, "not_json", "one")


def test_what_proves_no_tenant_counts_for_nothing() -> None:
    many = limit(share=0.1, minimum=10)
    for _ in range(500):
        many.count(NOON_S, None)
        many.count_dead_letter(NOON_S, "not_json", None)
    for _ in range(9):
        many.count(NOON_S, "good")
