"""`python -m tests.mutants`."""

from tests.mutants.runner import main

main()
