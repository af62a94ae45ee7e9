import pytest
from pydantic import ValidationError

from sandbox.provider.batches import faults
from sandbox.provider.batches.faults import BatchFault, BatchFaultKind, BatchFaultScript


def test_a_fault_befalls_its_model_as_often_as_it_says() -> None:
    script = BatchFaultScript()
    script.add(BatchFault(fault=BatchFaultKind.FAIL, model="gpt-4.1", count=2))
    assert script.hit(BatchFaultKind.FAIL, "deepseek-v3.2") is None
    assert script.hit(BatchFaultKind.EXPIRE, "gpt-4.1") is None
    hits = [script.hit(BatchFaultKind.FAIL, "gpt-4.1") for _ in range(3)]
    assert [hit is not None for hit in hits] == [True, True, False]
    assert script.active() == []


def test_a_fault_without_a_model_or_a_count_befalls_all_until_it_is_removed() -> None:
    script = BatchFaultScript()
    script.add(BatchFault(fault=BatchFaultKind.SLOW))
    assert all(script.hit(BatchFaultKind.SLOW, model) for model in ("gpt-4.1", "x", "y"))
    script.clear()
    assert script.hit(BatchFaultKind.SLOW, "gpt-4.1") is None


@pytest.mark.parametrize("wrong", [{"fault": "odd"}, {"fault": "fail", "rate": 0}, {"fault": "fail", "rates": 1}])
def test_what_is_no_fault_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        BatchFault.model_validate(wrong)


def test_each_fault_is_in_the_help() -> None:
    assert [kind for kind in BatchFaultKind if f"    {kind} " not in (faults.__doc__ or "")] == []
