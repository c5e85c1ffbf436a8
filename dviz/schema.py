"""The shape of a checkpoint's JSON files, checked before anything is made of what they say.

What a newer dviz adds passes; what is there must be of the right kind and within `dviz.limits`.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from dviz.errors import CheckpointError
from dviz.limits import LIMITS

Text = Annotated[str, Field(max_length=LIMITS.text_characters)]
MAX_DEPTH = LIMITS.json_depth


class _Lenient(BaseModel):
    """Numbers and words are not turned into each other; further fields pass."""

    model_config = ConfigDict(strict=True, extra="allow", allow_inf_nan=False)


class FactorShape(_Lenient):
    name: Text
    size: Annotated[int, Field(ge=1, le=LIMITS.factor_values)]
    values: Annotated[list[Text], Field(max_length=LIMITS.factor_values)]
    cyclic: bool


class ConfigShape(_Lenient):
    """`config.json`; its architecture lies flat on top and is checked by whoever builds it."""

    name: Text
    kind: Text
    dataset: Text
    source: Text
    version: Text
    parent: Text | None
    factors: Annotated[list[FactorShape], Field(max_length=LIMITS.factors)]
    training: Annotated[dict[Text, Any], Field(max_length=LIMITS.settings)]
    painting: Annotated[dict[Text, Any], Field(max_length=LIMITS.settings)]
    latent_size: Annotated[int, Field(ge=1, le=2048)]

    @model_validator(mode="after")
    def _small_enough(self) -> ConfigShape:
        cells = sum(factor.size for factor in self.factors) * self.latent_size
        if cells > LIMITS.config_cells:
            raise ValueError(
                f"values of all factors × dimensions are {cells:,}, the limit is "
                f"{LIMITS.config_cells:,}"
            )
        return self


class ResultShape(_Lenient):
    dataset: Text
    factors: Annotated[list[Text], Field(max_length=LIMITS.factors)]


class BaselineShape(_Lenient):
    name: Text
    description: Text
    result: ResultShape


class ReportShape(_Lenient):
    """`report.json`; what its numbers must fit is checked by whoever shows them."""

    results: Annotated[dict[Text, ResultShape], Field(max_length=LIMITS.report_results)]
    baselines: Annotated[list[BaselineShape], Field(max_length=LIMITS.report_results)]


def read_object(path: Path, max_bytes: int) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        ValueError: it is larger than `max_bytes`, no JSON object, nests deeper than anything of
            ours, or holds NaN or Infinity.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise ValueError(f"it is larger than {max_bytes:,} bytes, the limit")
    try:
        value = json.loads(content.decode("utf-8"), parse_constant=_no_number)
    except RecursionError:
        raise ValueError(f"it nests deeper than {MAX_DEPTH} levels, the limit") from None
    if not isinstance(value, dict):
        raise ValueError("it is not a JSON object")
    check_values(value)
    return value


def check_values(value: Any, depth: int = 0) -> None:
    """Refuse what nests too deep and numbers too large to be finite, with a ValueError."""
    if depth > MAX_DEPTH:
        raise ValueError(f"it nests deeper than {MAX_DEPTH} levels, the limit")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("it holds a number that is not finite")
    if isinstance(value, int) and abs(value) > 2**63:
        raise ValueError("it holds a number of more than 64 bits")
    for part in value.values() if isinstance(value, dict) else value if type(value) is list else ():
        check_values(part, depth + 1)


def check_shape(shape: type[BaseModel], values: dict[str, Any], wanted: str) -> None:
    """Check `values` against a shape.

    Args:
        wanted: how the message begins: "config.json is not a dviz checkpoint's".

    Raises:
        CheckpointError: says what is wrong, and where, on one line.
    """
    try:
        shape.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(str(part)[:40] for part in first["loc"][:4]) or "as a whole"
        raise CheckpointError(f"{wanted} ({place}: {first['msg']})") from None


def _no_number(text: str) -> None:
    raise ValueError(f"it holds {text}, which is no number")
