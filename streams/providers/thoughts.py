"""What a model thought aloud within its answer: taken out where its mark is plain.

Servers without a parser of thoughts send them as they were written. Sources: BerriAI/litellm#18484 and #16451
(Together), sipeed/picoclaw#1233 (MiniMax, DeepSeek), apache/camel#22834 (Qwen 3); Mistral's Magistral writes `[THINK]`,
OpenAI's gpt-oss its channels (developers.openai.com, "OpenAI harmony response format").
"""

import re

_LED = re.compile(
    r"\s*(?:<(?P<tag>think|thinking|thought)>|(?P<bracket>\[THINK\]))"
    r"(?P<thought>.*?)(?:(?(tag)</(?P=tag)>|\[/THINK\])(?P<rest>.*)|\Z)",
    re.DOTALL,
)
_ENDED = re.compile(r"(?P<thought>.*?)^[ \t]*</think>[ \t]*$(?P<rest>.*)", re.DOTALL | re.MULTILINE)
"""The beginning of it stood in the prompt, as templates of DeepSeek's R1 have it."""
_CHANNELS = re.compile(
    r"\s*<\|channel\|>analysis<\|message\|>(?P<thought>.*?)<\|end\|>"
    r"<\|start\|>assistant<\|channel\|>final<\|message\|>(?P<rest>.*)",
    re.DOTALL,
)
_MARKS = ("<", "[")
_LOOKED_AT = 64
"""Characters at the beginning among which a mark is looked for."""


def without_thought(content: str, *, is_cut: bool, has_reasoning: bool) -> tuple[str, str | None]:
    """Return the words of an answer, and what was thought before them; None if there is no mark of it.

    Args:
        content: the answer as it came.
        is_cut: it ended for want of tokens, so that a thought may be without its end.
        has_reasoning: the thought is told apart already, and only a mark of it was left.
    """
    if content[:_LOOKED_AT].lstrip()[:1] not in _MARKS:
        found = _ENDED.fullmatch(content) if "</think>" in content and "<think>" not in content else None
    else:
        found = _LED.match(content) or _CHANNELS.match(content)
    if found is None:
        return content, None
    thought, rest = found["thought"].strip(), found["rest"]
    if rest is not None:
        return rest.removesuffix("<|return|>").lstrip(), thought
    if has_reasoning:
        return thought, ""
    return ("", thought) if is_cut else (content, None)
