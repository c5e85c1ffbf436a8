"""What a checkpoint's card says was measured: tables, and the entries of its `model-index`."""

from __future__ import annotations

import math

from huggingface_hub import EvalResult

from dviz.measuring.differences import split_note
from dviz.measuring.report import ARC, BY_PHOTOGRAPH, DatasetReport, Report
from dviz.metrics.omes import POOLINGS, OmesResult
from dviz.metrics.suite import reported_scores
from dviz.results.markdown import decimal, percent, table

TASK = "image-feature-extraction"
PROBES = tuple(
    (model, dims) for model in ("gbt", "mlp") for dims in ("all", ARC, "union", "pruned")
)
PROBE_NAMES = {"gbt": "gradient-boosted trees", "mlp": "MLP"}


def measured(result: DatasetReport) -> str:
    """What was measured on one dataset: scores, then a row a factor."""
    if not result.factors:
        return (
            f"## Measured on {result.title}\n\n{result.num_images:,} images without "
            f"labels, so there are no scores. {sum(result.active)} of {len(result.active)} "
            f"dimensions are active. {_painting(result)}"
        )
    scores = {pooling: result.omes(pooling=pooling) for pooling in POOLINGS}
    rows = [
        (
            f"OMES, {pooling} pooling",
            decimal(score.omes),
            _interval(result, pooling),
            decimal(score.modularity),
            decimal(score.compactness),
            _calibrated(result, pooling),
        )
        for pooling, score in scores.items()
    ]
    header = ("", "α = 0.5", "95% interval", "modularity (α = 1)", "compactness (α = 0)")
    sample = (
        f"{result.num_images:,} images (probes: two thirds{_of_what(result)} to train, one to "
        "test), "
        f"{result.num_pairs:,} pairs a factor, seed {result.seed}. {sum(result.active)} of "
        f"{len(result.active)} dimensions are active. {_painting(result)}"
    )
    parts = [
        f"## Measured on {result.title}",
        sample,
        table((*header, "calibrated"), rows),
        _others(result),
        _factor_table(result, scores["avg"]),
    ]
    return "\n\n".join(part for part in parts if part)


def _of_what(result: DatasetReport) -> str:
    """What probes were split by, where it was not by row."""
    return " of the photographs" if result.split == BY_PHOTOGRAPH else ""


def _interval(result: DatasetReport, pooling: str) -> str:
    found = result.uncertainty(pooling=pooling)
    return "–" if found is None else " to ".join(map(decimal, found.omes.interval))


def _calibrated(result: DatasetReport, pooling: str) -> str:
    found = result.omes_calibrated(pooling=pooling)
    return "–" if found is None else decimal(found.omes)


def _others(result: DatasetReport) -> str:
    """What the other metrics say, as far as they were measured."""
    known = [
        f"{score.title} {decimal(result.score(score.key))}"
        for score in reported_scores()
        if score.key in result.scores
    ]
    return f"Other metrics: {', '.join(known)}." if known else ""


def _painting(result: DatasetReport) -> str:
    """How it paints, as a sentence."""
    if result.reconstruction is None:
        return "No pictures of a decoder were measured."
    return f"Reconstruction: {result.reconstruction:.1f} nats an image, {result.fidelity}."


def _factor_table(result: DatasetReport, score: OmesResult) -> str:
    """The dimension associated with each factor, and the probes' accuracies."""
    known = [p for p in PROBES if not math.isnan(result.mean_accuracy(*p))]
    accuracies = [result.accuracies(*probe) for probe in known]
    header = ["factor", "classes", "dimension", "association"]
    if known:
        header += [f"{model.upper()}, {dimensions}" for model, dimensions in known] + ["chance"]
    rows = []
    for j, (name, size) in enumerate(zip(result.factors, result.sizes, strict=True)):
        factor = score.per_factor[name]
        dimension = factor["associated_dimension"]
        row = [name, size, "–" if dimension is None else f"z{dimension}"]
        row.append(decimal(factor["association"]))
        row += [percent(values[j]) for values in accuracies]
        if known:
            row.append(percent(result.chance(name)))
        rows.append(row)
    explanation = (
        "Association: how far changing the factor decorrelates the dimension, 0 to 1. "
        "GBT (gradient-boosted trees) and MLP: accuracy in % of reading the factor from all active "
        "dimensions, from those associated with any factor (union), or from the one associated "
        "with this factor (pruned). Calibrated: OMES without what "
        "dimensions change by themselves, and beside what a perfect code reaches."
    )
    if result.arc:
        explanation += (
            " Arc: from all active dimensions, trained on two thirds of the circle of views and "
            "tested on the third never seen."
        )
    return f"{table(header, rows)}\n\n{explanation}"


def compared(report: Report) -> str:
    """A row an encoder: this one, and the baselines on the same datasets; "" without any."""
    if not report.baselines:
        return ""
    rows = []
    for name, result in report.results.items():
        if not result.factors:
            continue
        rows.append(("**this model**", name, *_summary(result)))
        rows += [
            (f"{b.name}: {b.description}{_note(result, b.result)}", name, *_summary(b.result))
            for b in report.baselines_on(name)
        ]
    header = ("encoder", "dataset", "OMES avg", "OMES max", "GBT, all, %", "MLP, all, %", "picture")
    parts = ["## Compared with", table(header, rows)]
    if any(row[-1] != "–" for row in rows):
        parts.append(
            "Picture: mean squared error a pixel of a decoder that learnt from frozen codes alone; "
            "the less, the more of the image the codes hold."
        )
    return "\n\n".join(parts)


def _note(result: DatasetReport, baseline: DatasetReport) -> str:
    note = split_note(result, baseline)
    return f" (Probes {note}.)" if note else ""


def _summary(result: DatasetReport) -> list[str]:
    scores = [result.omes(pooling=pooling).omes for pooling in POOLINGS]
    probes = [result.mean_accuracy(model, "all") for model in PROBE_NAMES]
    picture = f"{result.mse:.4f}" if result.painted and result.mse is not None else "–"
    return [*map(decimal, scores), *map(percent, probes), picture]


def model_index(result: DatasetReport) -> list[EvalResult]:
    """The figures that fit into a `model-index`; none where there are no labels."""
    if not result.factors:
        return []
    metrics = []
    for pooling in POOLINGS:
        score = result.omes(pooling=pooling)
        for name in ("omes", "modularity", "compactness"):
            title = "OMES" if name == "omes" else f"OMES {name}"
            metrics.append((name, f"{title}, {pooling} pooling", getattr(score, name)))
    for model, dimensions in PROBES:
        if dimensions == ARC:  # of fewer factors, so that its mean stands beside no other
            continue
        title = f"Mean accuracy, {PROBE_NAMES[model]}, {dimensions} dimensions"
        metrics.append(("accuracy", title, result.mean_accuracy(model, dimensions)))
    return [
        EvalResult(
            task_type=TASK,
            task_name="Disentanglement",
            dataset_type=result.dataset,
            dataset_name=result.title,
            metric_type=metric_type,
            metric_name=title,
            metric_value=round(value, 4),
        )
        for metric_type, title, value in metrics
        if not math.isnan(value)
    ]
