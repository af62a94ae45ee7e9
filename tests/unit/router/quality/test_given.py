"""Scores that were given already: found again, stored in chunks, and bounded."""

from router.quality.cell import Source
from router.quality.given import CHUNK, Given, GivenScores, digest_of
from router.quality.table import Cell
from schemas.vocabulary import Difficulty, FeedbackKind, Form, Task

CELL = Cell("alpha", Task.QA, Difficulty.EASY)
ANN = Source("acme", FeedbackKind.PERSON, "ann")


def given(offset: int, thousandths: int = 1000) -> Given:
    return Given(offset, thousandths, 7, CELL, ANN)


def test_a_score_is_known_by_tenant_request_source_and_kind() -> None:
    digests = {
        digest_of(tenant, request_id, Source(tenant, kind, name))
        for tenant in ("acme", "acme\x1f")
        for request_id in ("r", "\x1fr")
        for kind in (FeedbackKind.PERSON, FeedbackKind.CHECK)
        for name in ("ann", "bob")
    }
    assert len(digests) >= 12


def test_the_last_score_is_found_in_its_own_partition() -> None:
    scores = GivenScores(1000)
    scores.add(0, "d", given(1))
    scores.add(0, "d", given(2, 0))
    assert scores.find(0, "d") == given(2, 0)
    assert scores.find(1, "d") is None


def test_what_is_in_no_cell_yet_is_not_restored() -> None:
    scores = GivenScores(1000)
    first = scores.add(0, "d", given(1))
    assert scores.add(0, "d", given(2, 0)) == first
    second = scores.add(0, "e", given(CHUNK + 5))
    again = GivenScores(1000)
    for chunk in (first, second):
        again.load(chunk[0], scores.dump(chunk), lambda _partition, one: one.offset < 2)
    assert again.find(0, "d") == given(1)
    assert again.find(0, "e") is None


def test_the_oldest_chunks_go_first_and_newer_scores_in_their_place_stay() -> None:
    scores = GivenScores(CHUNK)
    scores.add(0, "kept", given(0))
    for offset in range(1, 2 * CHUNK):
        scores.add(0, f"d{offset}", given(offset))
    scores.add(0, "kept", given(2 * CHUNK))
    assert scores.forget() == [(0, 0), (0, 1)]
    assert scores.find(0, "kept") == given(2 * CHUNK)
    assert scores.find(0, "d1") is None
    assert scores.forget() == []


def test_rows_of_versions_that_knew_no_form_are_read() -> None:
    again = GivenScores(1000)
    again.load(0, b'[["d",1,250,7,"alpha","qa","easy","acme","person","ann"]]', lambda _partition, _given: True)
    assert again.find(0, "d") == given(1, 250)


def test_the_form_of_a_scores_cell_is_stored() -> None:
    scores, again = GivenScores(1000), GivenScores(1000)
    one = given(1)._replace(cell=CELL._replace(form=Form.CHOICES))
    chunk = scores.add(0, "d", one)
    again.load(0, scores.dump(chunk), lambda _partition, _given: True)
    assert again.find(0, "d") == one
