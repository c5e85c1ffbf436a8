"""`dviz preview`, from a checkout."""

from checkout import run

run("preview", __name__)
