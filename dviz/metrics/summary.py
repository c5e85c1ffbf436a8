"""What `evaluate_all` found, as the rows of one table: a score, and its parts factor by factor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

Row = tuple[str, float | None, list[float | None]]


def score_rows(result: dict[str, Any]) -> list[Row]:
    """Rows (label, score, one part per factor or none) of every metric that was run.

    >>> mig = {"score": 0.5, "per_factor": {"shape": 0.4, "scale": 0.6}}
    >>> score_rows({"factors": ["shape", "scale"], "mig": mig})
    [('MIG', 0.5, [0.4, 0.6])]

    Args:
        result: of `dviz.metrics.suite.evaluate_all`.
    """
    factors = result["factors"]
    return [row for name in result if name in _ROWS for row in _ROWS[name](result[name], factors)]


def unscored(result: dict[str, Any]) -> list[str]:
    """For each factor that OMES or the probes leave out, a line that says why."""
    parts = [
        (name, part)
        for metric in ("omes", "probes")
        for name, part in result.get(metric, {}).get("per_factor", {}).items()
    ]
    lines = [f"{name}: {part['reason']}" for name, part in parts if part.get("reason")]
    return list(dict.fromkeys(lines))


def _omes_rows(entry: dict[str, Any], factors: list[str]) -> Iterator[Row]:
    for key in ("omes", "modularity", "compactness"):
        label = "OMES" if key == "omes" else f"OMES {key}"
        yield label, entry[key], [entry["per_factor"][name][key] for name in factors]


def _simple_rows(label: str) -> Callable[[dict[str, Any], list[str]], Iterator[Row]]:
    def rows(entry: dict[str, Any], factors: list[str]) -> Iterator[Row]:
        parts = entry["per_factor"]
        yield label, entry["score"], [parts[name] for name in factors] if parts else []

    return rows


def _dci_rows(entry: dict[str, Any], factors: list[str]) -> Iterator[Row]:
    for kind, part in entry.items():
        yield f"DCI disentanglement {kind}", part["disentanglement"], []
        for key in ("completeness", "informativeness"):
            per_factor = [part["per_factor"][name][key] for name in factors]
            yield f"DCI {key} {kind}", part[key], per_factor


def _probe_rows(entry: dict[str, Any], factors: list[str]) -> Iterator[Row]:
    parts = [entry["per_factor"][name] for name in factors]
    for model, sets in entry["mean"].items():
        for dims, mean in sets.items():
            accuracies = [part["probes"][model][dims]["accuracy"] for part in parts]
            yield f"probe {model} {dims}", mean["accuracy"], accuracies
    yield "probe chance", entry["chance"], [part["chance"] for part in parts]


_ROWS: dict[str, Callable[[dict[str, Any], list[str]], Iterator[Row]]] = {
    "omes": _omes_rows,
    "mig": _simple_rows("MIG"),
    "sap": _simple_rows("SAP"),
    "dci": _dci_rows,
    "beta_vae": _simple_rows("BetaVAE score"),
    "factor_vae": _simple_rows("FactorVAE score"),
    "modularity": _simple_rows("Modularity (Ridgeway)"),
    "explicitness": _simple_rows("Explicitness"),
    "probes": _probe_rows,
}
