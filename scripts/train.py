"""`dviz train`, from a checkout."""

from checkout import run

run("train", __name__)
