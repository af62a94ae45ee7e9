"""The batch interfaces of the simulated provider: files, jobs that take their time, and the vendors' words for them."""
