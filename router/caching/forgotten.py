"""What was to be forgotten, by where the index topic says so: no clock decides what was asked before that.

Who has a model asked notes how far it has followed the topic at that moment. Whatever tells to forget the question, or
its tenant, from there on came after it or was not known yet: the answer is not kept, however late it comes.
"""

from collections import OrderedDict
from hashlib import blake2b

from schemas.caching import KEY_BITS

MOST = 10_000
"""So many questions and tenants, 1.5 MB at the most."""
TENANT_BITS = 64
"""Of a tenant's name so many bits of a digest are kept: enough to forget it by."""


class Forgotten:
    """The last place of each question and tenant at which it was to be forgotten; those named last, `most` of them.

    Of those before them it is only known that they lie below an offset: what was asked below it is taken for forgotten.
    """

    def __init__(self, most: int = MOST) -> None:
        self.count = 0
        """Of all records that told to forget something."""
        self._most = most
        self._at: OrderedDict[int, int] = OrderedDict()
        self._floor = 0

    def __len__(self) -> int:
        return len(self._at)

    def question(self, number: int, offset: int) -> None:
        """Note that the record at `offset` tells to forget a question, by its key as a number."""
        self._note(number, offset)

    def tenant(self, tenant: str, offset: int) -> None:
        """Note that the record at `offset` tells to forget a tenant."""
        self._note(_apart(tenant_bits(tenant)), offset)

    def since(self, followed: int, number: int, tenant: str) -> bool:
        """Say whether the question or its tenant was to be forgotten at this offset or behind it."""
        return (
            followed < self._floor
            or self._at.get(number, -1) >= followed
            or self._at.get(_apart(tenant_bits(tenant)), -1) >= followed
        )

    def _note(self, what: int, offset: int) -> None:
        self.count += 1
        self._at[what] = max(offset, self._at.pop(what, -1))
        if len(self._at) > self._most:
            _, gone = self._at.popitem(last=False)
            self._floor = max(self._floor, gone + 1)


def tenant_bits(tenant: str) -> int:
    """Return the digest by which a tenant's answers are told apart."""
    return int.from_bytes(blake2b(tenant.encode(), digest_size=TENANT_BITS // 8).digest())


def _apart(bits: int) -> int:
    """Return a number that is no question's key."""
    return 1 << KEY_BITS | bits
