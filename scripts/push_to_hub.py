"""`dviz push`, from a checkout."""

from checkout import run

run("push", __name__)
