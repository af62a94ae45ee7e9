from router.job import Origin


def test_an_origin_reads_as_the_id_of_a_request_without_one() -> None:
    assert str(Origin("llm.requests.v1", 3, 42)) == "llm.requests.v1-3-42"
