"""The reference catalogue in the order of its chains.

The policy that it names, `value`, goes by what is expected of each model, which feedback moves: tests that have to know
which model a request goes to are about something else, and say so by this.
"""

from pathlib import Path

REFERENCE = Path(__file__).parents[1] / "catalogue.toml"


def in_chain_order() -> str:
    """Return the text of the reference catalogue with the policy `chain` as its default."""
    text = REFERENCE.read_text()
    default = '\ndefault_policy = "value"'
    assert text.count(default) == 1
    return text.replace(default, '\ndefault_policy = "chain"')
