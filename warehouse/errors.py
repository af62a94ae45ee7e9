"""What can be wrong with a warehouse.

WarehouseError           the operator's to mend; one sentence, in which no password stands
"""


class WarehouseError(Exception):
    """The warehouse cannot be used as it is. The message says what to do."""
