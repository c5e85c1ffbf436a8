"""Disentanglement measured on plain arrays: codes (N, D) and factors (N, F).

One module per metric; each has a function named after it, e.g. `dviz.metrics.omes.omes`,
`dviz.metrics.mig.mig`. `dviz.metrics.suite.evaluate_all` runs them together.
"""
