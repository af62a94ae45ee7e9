"""What batches and their lines are called at providers: names that nothing else has, and that say whose they are."""

from hashlib import blake2b

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def our_id_of(group: str, partition: int, first_offset: int, now_s: float) -> str:
    """Return the name of a new batch, 64 letters, digits and `-` at the most with the numbers of its lines.

    Args:
        group: the workers' group; others may use the same keys.
        partition: of the batch requests.
        first_offset: that of its first request, which is in no other batch at this moment.
        now_s: the moment, seconds since 1970: a request may be in several batches, one after the other.
    """
    whose = blake2b(group.encode(), digest_size=4).hexdigest()
    return f"turnout-{whose}-{partition}-{_base36(first_offset)}-{_base36(int(now_s * 1000))}"


def custom_id_of(our_id: str, place: int) -> str:
    """Return what a request is called in its batch, and in no other."""
    return f"{our_id}-{place}"


def place_of(custom_id: str | None, our_id: str, count: int) -> int | None:
    """Return whose line it is; None: of no request of this batch."""
    name, _, place = (custom_id or "").rpartition("-")
    if name != our_id or not (place.isascii() and place.isdecimal()) or len(place) > len(str(count)):
        return None
    return int(place) if int(place) < count else None


def _base36(number: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number, len(_DIGITS))
        text = _DIGITS[digit] + text
    return text or "0"
