"""Who a request belongs to, and whether that tenant's limits let it in."""
