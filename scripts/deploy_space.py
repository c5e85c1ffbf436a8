"""`dviz space`, from a checkout."""

from checkout import run

run("space", __name__)
