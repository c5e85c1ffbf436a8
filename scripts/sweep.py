"""`dviz sweep`, from a checkout."""

from checkout import run

run("sweep", __name__)
