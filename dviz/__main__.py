"""`python -m dviz COMMAND` is `dviz COMMAND`."""

from dviz.cli import main

main()
