"""`dviz benchmark`, from a checkout."""

from checkout import run

run("benchmark", __name__)
