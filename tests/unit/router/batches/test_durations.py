from router.batches.durations import AWAY_S, MOST, WINDOW_S, DeadlineRules, Durations, Ran, margin_s, takes_s

NOW_S = 1_800_000_000.0
RULES = DeadlineRules(margin_s=300.0, most_margin_s=3600.0)


def test_quantiles_are_of_batches_in_the_window() -> None:
    durations = Durations(Ran(NOW_S - age_s, took_s) for age_s, took_s in [(WINDOW_S, 9999.0), (5, 100.0), (1, 50.0)])
    assert durations.took_s(0.5, NOW_S) == 50.0
    assert durations.took_s(0.99, NOW_S) == 100.0
    assert Durations().took_s(0.5, NOW_S) is None


def test_a_bounded_number_is_remembered() -> None:
    durations = Durations()
    for place in range(MOST + 1):
        durations.add(Ran(NOW_S, float(place)))
    assert durations.all()[0].took_s == 1.0


def test_two_late_ones_keep_new_batches_away_and_one_in_time_lets_them_in() -> None:
    late = Ran(NOW_S, 100.0, was_late=True)
    assert Durations([late]).late_until_s(NOW_S) is None
    durations = Durations([late, late])
    assert durations.late_until_s(NOW_S + 1) == NOW_S + AWAY_S
    assert durations.late_until_s(NOW_S + AWAY_S) is None
    durations.add(Ran(NOW_S + 2, 10.0))
    assert durations.late_until_s(NOW_S + 3) is None


def test_the_margin_grows_by_what_reading_takes_within_a_bound() -> None:
    assert margin_s(RULES, Durations(), NOW_S) == 300.0
    assert margin_s(RULES, Durations([Ran(NOW_S, 1.0, read_s=120.0)]), NOW_S) == 420.0
    assert margin_s(RULES, Durations([Ran(NOW_S, 1.0, read_s=9000.0)]), NOW_S) == 3600.0
    assert margin_s(DeadlineRules(margin_s=7200.0), Durations([Ran(NOW_S, 1.0, read_s=1.0)]), NOW_S) == 7200.0


def test_a_batch_goes_so_long_before_a_deadline_as_others_took_and_the_margin() -> None:
    assert takes_s(RULES, Durations(), NOW_S) is None
    assert takes_s(RULES, Durations([Ran(NOW_S, 1000.0, read_s=20.0)]), NOW_S) == 1320.0
