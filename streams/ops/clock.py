"""The one clock of a worker: seconds since 1970 that never step, whatever happens to the wall clock meanwhile."""

from time import monotonic, time


class Clock:
    """Wall time at its making, and monotonic from there."""

    __slots__ = ("_offset_s",)

    def __init__(self) -> None:
        self._offset_s = time() - monotonic()

    def __call__(self) -> float:
        """Return the seconds since 1970."""
        return self._offset_s + monotonic()
