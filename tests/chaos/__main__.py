"""`python -m tests.chaos`."""

from tests.chaos.runner import main

main()
