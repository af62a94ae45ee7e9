"""The scores of one model, task and difficulty: by source and time, and how they are stored."""

from collections.abc import Iterator

import pytest

from router.quality.cell import (
    HALF_LIFE_S,
    KEPT_PANES,
    MOST_IN_CELL,
    MOST_SOURCES,
    MOST_VOICES,
    PANE_S,
    QualityCell,
    Source,
    pane_of,
)
from router.quality.prior import Prior
from router.quality.rules import ALL_OF, FeedbackRules
from router.quality.table import Cell, QualityTable
from schemas.message import utc_from_ms
from schemas.quality import ModelQuality, QualityCounts
from schemas.vocabulary import Difficulty, FeedbackKind, Flaw, Task

NOW_S = 1_800_000_000.0
CELL = Cell("alpha", Task.QA, Difficulty.EASY)
RULES = FeedbackRules()


def source(name: str, kind: FeedbackKind = FeedbackKind.PERSON, tenant: str = "acme") -> Source:
    return Source(tenant, kind, name)


def said(cell: QualityCell, by: Source, scores: Iterator[float] | list[float], at_s: float = NOW_S) -> None:
    for score in scores:
        cell.add(cell.place_of(by), pane_of(at_s), round(score * 1000))


def counts(answers: int, sequence: int = 1, at_s: float = NOW_S, **flaws: int) -> QualityCounts:
    return QualityCounts(
        worker="w",
        epoch=1,
        sequence=sequence,
        request_model="alpha",
        task=Task.QA,
        difficulty=Difficulty.EASY,
        as_of=utc_from_ms(int(at_s * 1000)),
        answers=answers,
        flaws={Flaw(name): count for name, count in flaws.items()},
    )


def told(cell: QualityCell, rules: FeedbackRules = RULES, at_s: float = NOW_S) -> ModelQuality:
    return cell.told(rules, at_s)


def test_persons_with_a_score_each_are_heard_as_one() -> None:
    cell = QualityCell(CELL)
    for number in range(10):
        said(cell, source(f"p{number}"), [float(number < 7)])
    found = told(cell)
    assert [found.count, found.mean, found.weight] == [10, pytest.approx(0.7), pytest.approx(10)]
    assert [one.source for one in found.sources] == ["acme/*"]


def test_a_thousand_names_of_one_tenant_buy_neither_memory_nor_votes() -> None:
    cell = QualityCell(CELL)
    for number in range(1000):
        said(cell, source(f"p{number}"), [0.0] * 30)
    for name in ("check-1", "check-2"):
        said(cell, source(name, FeedbackKind.CHECK), [0.8] * 30)
    assert len(told(cell).sources) <= MOST_VOICES + 1 + 2
    assert len(cell.dump()) < 5000
    assert cell.place_of(source("one more")).name == ALL_OF
    assert cell.place_of(source("p3")).name == "p3"
    assert MOST_SOURCES < 1000


def test_a_cell_fits_a_record_however_many_tenants_speak_of_it_for_weeks() -> None:
    cell = QualityCell(CELL)
    tenants = MOST_IN_CELL + 50
    for number in range(tenants):
        by = source(f"{number:064}", tenant=f"tenant {number:060}")
        for pane in range(KEPT_PANES):
            said(cell, by, [1.0] * 20, NOW_S - pane * PANE_S)
    assert len(cell.dump()) < 400_000
    assert told(cell).count == tenants * KEPT_PANES * 20
    assert cell.place_of(source("new", tenant="new")) == Source(ALL_OF, FeedbackKind.PERSON, ALL_OF)


def test_a_score_that_is_taken_back_leaves_no_trace() -> None:
    cell = QualityCell(CELL)
    said(cell, source("ann"), [0.1, 0.7])
    cell.take_back(source("ann"), pane_of(NOW_S), 100)
    cell.take_back(source("ann"), pane_of(NOW_S), 700)
    cell.take_back(source("bob"), pane_of(NOW_S), 700)
    cell.expire(NOW_S)
    assert cell.dump() == QualityCell(CELL).dump()


def test_what_was_said_counts_less_with_age_and_is_forgotten() -> None:
    cell = QualityCell(CELL)
    said(cell, source("ann"), [1.0] * 40)
    later_s = (pane_of(NOW_S) + 1) * PANE_S + HALF_LIFE_S
    said(cell, source("ann"), [0.0] * 20, later_s)
    assert told(cell, at_s=later_s).weight == pytest.approx(40, rel=0.01)
    assert told(cell, at_s=later_s).mean == pytest.approx(0.5, rel=0.01)
    gone_s = later_s + KEPT_PANES * PANE_S
    assert cell.expire(gone_s)
    assert told(cell, at_s=gone_s).count == 0
    assert not cell.expire(gone_s)


def test_a_source_is_removed_with_all_that_it_has_said() -> None:
    cell = QualityCell(CELL)
    said(cell, source("ann"), [1.0] * 30)
    said(cell, source("mallory"), [0.0] * 300)
    said(cell, source("mallory", tenant="other"), [0.0] * 300)
    assert told(cell).mean < 0.1
    assert told(cell, FeedbackRules(ignored=frozenset({"acme/mallory", "other/*"}))).mean == 1.0
    assert told(cell, FeedbackRules(ignored=frozenset({"*/mallory"}))).mean == 1.0


def test_a_poisoned_source_of_any_size_moves_the_expectation_of_a_worker_by_nothing() -> None:
    moved = {}
    for times in (0, 1, 10, 100):
        cell = QualityCell(CELL)
        said(cell, source("ann"), [1.0, 1.0, 1.0, 0.0] * 25)
        said(cell, source("test", FeedbackKind.CHECK), [1.0, 1.0, 1.0, 1.0, 0.0] * 20)
        said(cell, source("mallory"), [0.0] * 100 * times)
        table = QualityTable({"alpha": Prior((0.7, 0.7, 0.7))})
        table.follow(told(cell))
        moved[times] = table.expected(*CELL).mean
        assert [one.source for one in told(cell).sources if one.outvoted] == (["acme/mallory"] if times else [])
    assert set(moved.values()) == {moved[0]}


def test_flaws_lower_what_is_expected_by_their_share_and_scores_are_not_made_of_them() -> None:
    cell = QualityCell(CELL)
    assert cell.count_answers(counts(100, refused=20, length=20), 5)
    assert not cell.count_answers(counts(100, refused=20), 5)
    assert not cell.count_answers(counts(100, refused=20), 6)
    assert cell.count_answers(counts(100, 2), 7)
    found = told(cell)
    assert (found.count, found.weight) == (0, 0)
    assert [found.usable, found.answers] == [pytest.approx(0.85), pytest.approx(200)]
    assert found.flaws == {Flaw.REFUSED: 20, Flaw.LENGTH: 20}
    table = QualityTable({"alpha": Prior((0.8, 0.8, 0.8))})
    table.follow(found)
    assert table.expected(*CELL).mean == pytest.approx(0.8 * (0.85 * 200 + 8) / 208)


def test_a_cell_comes_back_as_it_was_stored() -> None:
    cell = QualityCell(CELL)
    said(cell, source("ann"), [1.0, 0.25])
    cell.count_answers(counts(10, empty=1), 3)
    cell.count_to(2, 17, (9, 12, 30))
    again = QualityCell.load(CELL, cell.dump())
    assert again.dump() == cell.dump()
    assert told(again) == told(cell)
    assert [again.has_counted(2, offset) for offset in (8, 9, 12, 17, 18)] == [True, False, False, True, False]


def test_panes_of_the_future_are_not_kept() -> None:
    cell = QualityCell(CELL)
    said(cell, source("ann"), [1.0], NOW_S + 10 * PANE_S)
    assert cell.expire(NOW_S)
    assert told(cell).count == 0


def test_what_a_cascades_judge_found_is_the_scores_of_a_judge_and_can_be_ignored() -> None:
    cell = QualityCell(CELL)
    judged = counts(10).model_copy(update={"judged_good": 3, "judged_bad": 1})
    assert cell.count_answers(judged, 5)
    assert not cell.count_answers(judged, 5)
    found = told(cell)
    assert (found.count, found.mean) == (4, 0.75)
    assert found.weight == pytest.approx(2)
    assert list(found.by_kind) == [FeedbackKind.JUDGE]
    assert [one.source for one in found.sources] == ["*/*"]
    assert told(cell, FeedbackRules(ignored=frozenset({"*/cascade"}))).weight == 0
    assert QualityCell.load(CELL, cell.dump()).dump() == cell.dump()
