"""Slope charts: one figure from Source over direct to fine-tuned, as SVG that follows the page."""

from __future__ import annotations

from html import escape

from dviz.checkpoint import DIRECT, FINE_TUNED, SOURCE
from dviz.lineage import STAGES
from dviz.ui.core.verdict import Slope, short

WIDTH, HEIGHT = 250, 178
LEFT, RIGHT, TOP, BOTTOM = 24, 172, 34, 146
SHORT = {SOURCE: "Source", DIRECT: "direct", FINE_TUNED: "tuned"}
SEEN = 8  # pixels from the middle of a dot to where a line shows beyond it
APART = 12  # pixels between two lines of lettering


def slope_chart(slope: Slope, unit: str) -> str:
    """One chart; `unit` is "%" for shares, "" for scores."""
    title = escape(slope.name)
    parts = [f"<title>{escape(_in_words(slope, unit))}</title>"]
    parts += [f'<text class="slope-name" x="{LEFT}" y="14">{title}</text>']
    parts += _levels(slope)
    there = [stage for stage in STAGES if stage in slope.values]
    points = [(_x(stage), _y(slope.values[stage])) for stage in there]
    if len(points) > 1:
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline class="slope-line" points="{path}"/>')
    for stage, (x, y) in zip(there, points, strict=True):
        if _beyond_the_dot(slope.errors.get(stage, 0.0)):
            error = 2 * slope.errors[stage]
            up, down = _y(slope.values[stage] + error), _y(slope.values[stage] - error)
            place = f'x1="{x}" x2="{x}" y1="{up:.1f}" y2="{down:.1f}"'
            parts.append(f'<line class="slope-error" {place}/>')
        parts.append(f'<circle class="{escape(stage)}" cx="{x}" cy="{y:.1f}" r="6"/>')
        label = _label(slope.values[stage], unit)
        parts.append(f'<text class="slope-value" x="{x}" y="{y - 11:.1f}">{label}</text>')
    for stage in STAGES:
        kind = "" if stage in slope.values else " missing"
        place = f'x="{_x(stage)}" y="{HEIGHT - 8}"'
        parts.append(f'<text class="slope-stage{kind}" {place}>{SHORT[stage]}</text>')
    return (
        f'<svg class="slope" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(_in_words(slope, unit))}">{"".join(parts)}</svg>'
    )


def shows_errors(slope: Slope) -> bool:
    """Whether two standard errors are drawn anywhere: where they are more than a dot."""
    return any(map(_beyond_the_dot, slope.errors.values()))


def _beyond_the_dot(error: float) -> bool:
    return 2 * error * (_y(0.0) - _y(1.0)) > SEEN


def _levels(slope: Slope) -> list[str]:
    """Lines for chance and for learning on the Target alone, their names at the right end."""
    levels = [("chance", slope.chance), ("Target only", slope.target_only)]
    known = [(name, _y(value)) for name, value in levels if value is not None]
    parts, last = [], None
    for name, y in sorted(known, key=lambda level: level[1]):
        kind = name.split()[0].lower()
        at = y if last is None else max(y, last + APART)
        last = at
        parts.append(
            f'<line class="level {kind}" x1="{LEFT - 8}" x2="{RIGHT + 12}" y1="{y:.1f}" '
            f'y2="{y:.1f}"/>'
            f'<text class="level-name" x="{RIGHT + 20}" y="{at + 3:.1f}">{name}</text>'
        )
    return parts


def _x(stage: str) -> float:
    return LEFT + (RIGHT - LEFT) * STAGES.index(stage) / (len(STAGES) - 1)


def _y(value: float) -> float:
    """Zero at the bottom, one at the top."""
    return BOTTOM - (BOTTOM - TOP - 10) * min(max(value, 0.0), 1.0)


def _label(value: float, unit: str) -> str:
    return f"{100 * value:.0f}%" if unit == "%" else short(value)


def _in_words(slope: Slope, unit: str) -> str:
    """For example "scale: Source 90%, direct 40%, tuned 52%; chance 11%, Target only 55%"."""
    stages = [f"{SHORT[s]} {_label(v, unit)}" for s, v in slope.values.items()]
    levels = [("chance", slope.chance), ("Target only", slope.target_only)]
    known = [f"{name} {_label(value, unit)}" for name, value in levels if value is not None]
    return f"{slope.name}: {', '.join(stages)}" + (f"; {', '.join(known)}" if known else "")
