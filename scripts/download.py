"""`dviz download`, from a checkout."""

from checkout import run

run("download", __name__)
