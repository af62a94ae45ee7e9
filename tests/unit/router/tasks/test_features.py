"""What is counted in a question, against patterns that say the same."""

import re

from hypothesis import given
from hypothesis import strategies as st

from router.tasks.features import conditions_in

PATTERN = re.compile(
    r"\b(?:if|suppose|assum\w+|would|should|could|might|likely|unless|whether|then|after|before|until|because|although|than"
    r"|each|every|twice|half|times|more|less|per|remaining|left|must|exactly|without|only|such that|except|keep|avoid"
    r"|wenn|falls|nicht|ohne|höchstens|mindestens|genau|weil|obwohl|si|sans|exactement|chaque|sauf|parce que|sin|cada"
    r"|exactamente|porque|salvo|se|senza|ogni|perché|sem|exatamente|jika|kalau|tanpa|tepat|setiap|karena|nếu|mỗi|không|đừng|giữ)\b",
)
JOINED = re.compile("如果|若|必须|不要|不得|每|なら|場合|ずつ|なしで|必ず|면 |금지|반드시|없이|마다")
"""Scripts that join their words: these count wherever they stand, in a longer word too."""
PIECES = st.sampled_from(
    [
        " ",
        " ",
        "\n",
        "_",
        "'",
        "if",
        "such",
        "that",
        "parce",
        "que",
        "assum",
        "assuming",
        "höchstens",
        "giữ",
        "每",
        "면",
    ]
)


@given(st.lists(PIECES | st.characters(), max_size=40).map("".join))
def test_conditions_are_counted_word_by_word_as_patterns_would_find_them(text: str) -> None:
    lowered = text.lower()
    assert conditions_in(lowered) == len(PATTERN.findall(lowered)) + len(JOINED.findall(lowered))
