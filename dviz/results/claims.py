"""The study's claims, held against the reports of a zoo: a verdict each, with its numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from dviz.checkpoint import DIRECT, FINE_TUNED
from dviz.measuring.report import DatasetReport
from dviz.results.zoo import Transfer

TOLERANCE = 0.05  # by which modularity may differ and still count as kept (claim 1)
HOLDS, IN_PART, FAILS = "holds here", "holds in part", "does not hold here"


def verdicts(transfers: Sequence[Transfer]) -> str:
    """Markdown: each claim, whether it holds, and a line for each number behind that."""
    claims = (
        (
            "1. Modularity survives where the Target has the same factors, noise added.",
            _kept_modularity,
            [t for t in transfers if t.noisy],
        ),
        (
            "2. On real Targets fine-tuning without labels wins back explicitness (mean GBT "
            "accuracy, all dimensions).",
            _gained_accuracy,
            [t for t in transfers if t.real],
        ),
        (
            "3. What was learnt on the Source helps: the direct and the fine-tuned encoder are "
            "each above every baseline (mean accuracy from all dimensions, and OMES avg).",
            _beaten_baselines,
            [t for t in transfers if t.tuned.report.baselines],
        ),
    )
    return "\n\n".join(_claim(*claim) for claim in claims)


def _claim(
    text: str, judge: Callable[[Transfer], list[tuple[bool, str]]], transfers: Sequence[Transfer]
) -> str:
    found = [verdict for transfer in transfers for verdict in judge(transfer)]
    if not found:
        return f"**{text}** Not measured yet."
    good = sum(fine for fine, _ in found)
    verdict = HOLDS if good == len(found) else IN_PART if good else FAILS
    lines = "\n".join(f"- {'yes' if fine else 'no'}: {words}" for fine, words in found)
    return f"**{text}** It {verdict} ({good} of {len(found)}).\n\n{lines}"


def _kept_modularity(t: Transfer) -> list[tuple[bool, str]]:
    found = []
    for pooling in ("avg", "max"):
        source, direct, tuned = (
            m.result.omes(pooling=pooling).modularity for m in (t.source, t.direct, t.tuned)
        )
        numbers = f"Source {source:.3f}, direct {direct:.3f}, fine-tuned {tuned:.3f}"
        found.append((tuned >= source - TOLERANCE, f"{t.title}, {pooling}: {numbers}"))
    return found


def _gained_accuracy(t: Transfer) -> list[tuple[bool, str]]:
    before, after = (100 * m.result.mean_accuracy("gbt", "all") for m in (t.direct, t.tuned))
    return [(after > before, f"{t.title}: {before:.1f} → {after:.1f}")]


def _beaten_baselines(t: Transfer) -> list[tuple[bool, str]]:
    """A verdict for each of the two encoders and each score; better baselines are named."""
    scores: dict[str, tuple[str, Callable[[DatasetReport], float]]] = {
        "GBT": (".1f", lambda r: 100 * r.mean_accuracy("gbt", "all")),
        "MLP": (".1f", lambda r: 100 * r.mean_accuracy("mlp", "all")),
        "OMES avg": (".3f", lambda r: r.omes().omes),
    }
    found = []
    for stage, model in ((DIRECT, t.direct), (FINE_TUNED, t.tuned)):
        for name, (form, of) in scores.items():
            ours = of(model.result)
            known = [
                (b.name, of(b.result)) for b in t.rivals if not math.isnan(of(b.result) - ours)
            ]
            better = [f"{rival} {value:{form}}" for rival, value in known if value >= ours]
            beaten = [f"{rival} {value:{form}}" for rival, value in known if value < ours]
            words = [f"above {', '.join(beaten)}"] if beaten else []
            words += [f"not above {', '.join(better)}"] if better else []
            if known:
                line = f"{t.title}, {stage}, {name} {ours:{form}}: {'; '.join(words)}"
                found.append((not better, line))
    return found
