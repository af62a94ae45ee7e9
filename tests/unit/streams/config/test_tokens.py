"""The bound of a text by a real tokenizer."""

import pytest

from router.bounds import byte_bound
from streams.config.tokens import best_text_bound


@pytest.mark.parametrize("text", ["<|endoftext|>", "Explain <|endofprompt|> and <|endoftext|> to me.", "a \ud800 b"])
def test_no_text_is_beyond_the_tokenizer(text: str) -> None:
    assert 0 < best_text_bound()(text) <= byte_bound(text)


def test_prose_is_bounded_by_its_tokens_and_not_by_its_bytes() -> None:
    text = "The quick brown fox jumps over the lazy dog. " * 10
    assert best_text_bound()(text) < byte_bound(text) / 2
