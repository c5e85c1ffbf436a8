"""`dviz evaluate`, from a checkout."""

from checkout import run

run("evaluate", __name__)
