"""Published backbones as encoders, by name: "timm:resnet18", "transformers:facebook/dinov2-small".

Their packages are the extra `backbones`; their weights come from the Hub when first asked for.
"""

from __future__ import annotations

from importlib.util import find_spec

from dviz.errors import DvizError
from dviz.representations.modules import ModuleRepresentation

PREFIXES = ("timm:", "transformers:")


class BackboneError(DvizError):
    """A backbone's package is not installed, or there is no such backbone."""


def is_backbone(name: object) -> bool:
    """Whether this is a name that `backbone` understands."""
    return isinstance(name, str) and name.startswith(PREFIXES)


def backbone(name: str, *, pretrained: bool = True) -> ModuleRepresentation:
    """An encoder by its name: pooled features, images normalised as it was trained.

    Args:
        name: "timm:MODEL" or "transformers:USER/MODEL" (models with a pooled output).
        pretrained: with published weights; without them it is as good as random.

    Raises:
        BackboneError: the package is missing, or the model cannot be had.
    """
    library, _, model = name.partition(":")
    if find_spec(library) is None:
        raise BackboneError(f"{name} needs {library}; pip install '.[backbones]' in dviz's folder")
    load = _from_timm if library == "timm" else _from_transformers
    try:
        return load(model, pretrained)
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        reason = " ".join(str(error).split())[:200]
        raise BackboneError(f"{name} cannot be loaded ({reason})") from error


def _from_timm(model: str, pretrained: bool) -> ModuleRepresentation:
    import timm  # type: ignore[import-not-found, unused-ignore]

    return ModuleRepresentation(timm.create_model(model, pretrained=pretrained, num_classes=0))


def _from_transformers(model: str, pretrained: bool) -> ModuleRepresentation:
    from transformers import (  # type: ignore[import-not-found, unused-ignore]
        AutoConfig,
        AutoImageProcessor,
        AutoModel,
    )

    module = (
        AutoModel.from_pretrained(model, use_safetensors=True)
        if pretrained
        else AutoModel.from_config(AutoConfig.from_pretrained(model))
    )
    processor = AutoImageProcessor.from_pretrained(model)
    return ModuleRepresentation(
        module, normalise=(tuple(processor.image_mean), tuple(processor.image_std))
    )
