"""`python -m tests.simulation`."""

from tests.simulation.runner import main

main()
