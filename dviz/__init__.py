"""dviz: see whether a representation is disentangled, and what survives the trip to real images."""

__version__ = "0.1.0"
