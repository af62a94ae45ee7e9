import re

import pytest

from router.batches.batch import CUSTOM_ID_CHARS
from router.batches.names import custom_id_of, our_id_of, place_of

NOW_S = 1_800_000_000.0


def test_a_name_fits_all_vendors_however_long_the_lane_lives() -> None:
    our_id = our_id_of("a group.with ünusual letters" * 9, 2**31 - 1, 2**63 - 1, 9_999_999_999.0)
    line = custom_id_of(our_id, 999_999)
    assert re.fullmatch(rf"[a-zA-Z0-9_-]{{1,{CUSTOM_ID_CHARS}}}", line)


def test_other_groups_partitions_batches_and_moments_have_other_names() -> None:
    names = {
        our_id_of("one", 0, 7, NOW_S),
        our_id_of("two", 0, 7, NOW_S),
        our_id_of("one", 1, 7, NOW_S),
        our_id_of("one", 0, 8, NOW_S),
        our_id_of("one", 0, 7, NOW_S + 0.001),
    }
    assert len(names) == 5


def test_a_line_is_known_by_its_name() -> None:
    our_id = our_id_of("one", 0, 0, NOW_S)
    assert [place_of(custom_id_of(our_id, place), our_id, 12) for place in (0, 11)] == [0, 11]


@pytest.mark.parametrize("custom_id", [None, "", "7", "turnout-x-1", "{}-12", "{}-", "{}--1", "{}-1²", "{}-0000001"])
def test_what_is_no_line_of_the_batch_is_nobodys(custom_id: str | None) -> None:
    our_id = our_id_of("one", 0, 0, NOW_S)
    assert place_of(custom_id and custom_id.format(our_id), our_id, 12) is None
