"""`dviz reproduce`, from a checkout."""

from checkout import run

run("reproduce", __name__)
