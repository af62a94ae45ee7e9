"""What a look into the answer cache brings: words of a metric."""

from enum import StrEnum


class CacheResult(StrEnum):
    """What a look into the answer cache has brought."""

    MEMORY = "memory"
    READ = "read"
    """The answer was read back from its topic."""
    SHARED = "shared"
    """The answer of a request that asked the same at the same time."""
    MISS = "miss"
    GONE = "gone"
    """The index names a record that is not there, or is another one; a model is asked."""
