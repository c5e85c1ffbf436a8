"""`dviz transfer`, from a checkout."""

from checkout import run

run("transfer", __name__)
