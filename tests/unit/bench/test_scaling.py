"""What the scaling benchmark asks."""

from pathlib import Path

from bench.scaling.experiments import arrivals, of_length

TRACE = """TIMESTAMP,ContextTokens,GeneratedTokens
2023-11-16 18:17:03.9799600,4808,10
2023-11-16 18:17:04.0319600,3180,8
2023-11-16 18:17:13.9799600,110,27
"""
"""The form of the Azure LLM inference traces of 2023."""


def test_a_trace_is_replayed_faster_at_the_sizes_it_tells(tmp_path: Path) -> None:
    trace = tmp_path / "trace.csv"
    trace.write_text(TRACE)
    found = list(arrivals(trace, speed=10))
    assert [round(at_s, 4) for at_s, _ in found] == [0.0, 0.0052, 1.0]
    for tokens, (_, text) in zip((4808, 3180, 110), found, strict=True):
        assert 4 * tokens - 3 <= len(text.encode()) <= 4 * tokens  # no half of a letter at the end


def test_prompts_of_one_length_differ() -> None:
    texts = [of_length(10_000)(number) for number in range(50)]
    assert len(set(texts)) == 50
    assert all(9_997 <= len(text.encode()) <= 10_000 for text in texts)
