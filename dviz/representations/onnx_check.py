"""Whether somebody's ONNX file is a plain function of one array, before anything of it runs.

Only its structure is looked at; nothing beside the file is opened.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MAX_BYTES = 512 * 2**20
MAX_NODES = 50_000
MAX_DEPTH = 8  # graphs inside of graphs
DOMAINS = ("", "ai.onnx", "ai.onnx.ml")
FLOAT, UINT8 = "float32", "uint8"
_TYPES = {1: FLOAT, 2: UINT8}  # TensorProto.FLOAT, UINT8


class OnnxError(ValueError):
    """A file is no ONNX model of the kind that is read here."""


@dataclass(frozen=True)
class Port:
    """One input or output: its name, type, and sizes; None where a size is free."""

    name: str
    type: str
    sizes: tuple[int | None, ...]


@dataclass(frozen=True)
class Ports:
    """What a model takes and gives."""

    input: Port
    outputs: tuple[Port, ...]


def read_model(path: str | Path, max_bytes: int = MAX_BYTES) -> tuple[bytes, Ports]:
    """The file's content, checked, and what it takes and gives.

    Raises:
        OnnxError: it is too large, no ONNX file, or asks for more than a plain function of one
            array may: files beside it, operators of its own, several inputs.
    """
    from google.protobuf.message import DecodeError
    from onnx import ModelProto

    path = Path(path)
    try:
        size = path.stat().st_size
        if size > max_bytes:
            raise OnnxError(
                f"the file has {size / 1e6:,.0f} MB; at most {max_bytes / 1e6:,.0f} MB are read"
            )
        content = path.read_bytes()
    except OSError as error:
        raise OnnxError(f"the file cannot be opened ({error.strerror})") from error
    model = ModelProto()
    try:
        model.ParseFromString(content)
    except DecodeError as error:
        raise OnnxError("this is not an ONNX file, or it is damaged") from error
    if not model.graph.node or not model.opset_import:
        raise OnnxError("this is not an ONNX file, or it has no operators")
    _check_nodes(model)
    return content, _ports(model.graph)


def _check_nodes(model: Any) -> None:
    own = {function.domain for function in model.functions} - set(DOMAINS)
    known = {(function.domain, function.name) for function in model.functions}
    for count, node in enumerate(_nodes(model)):
        if count >= MAX_NODES:
            raise OnnxError(f"it has more than {MAX_NODES:,} operators")
        plain = node.domain in DOMAINS or (
            node.domain in own and (node.domain, node.op_type) in known
        )
        if not plain:
            raise OnnxError(
                f"it needs the operator {node.op_type[:60]} of {node.domain[:60]}, which is not "
                "part of ONNX; export it with standard operators only"
            )
    for tensor in _tensors(model):
        if tensor.external_data or tensor.data_location == 1:  # TensorProto.EXTERNAL
            raise OnnxError(
                "its weights lie in another file, which is not read; save it as one file, with "
                "torch.onnx.export(…, external_data=False)"
            )


def _graphs(graph: Any, depth: int = 0) -> Iterator[Any]:
    """A graph, and those in attributes of its nodes."""
    if depth > MAX_DEPTH:
        raise OnnxError(f"its graphs lie more than {MAX_DEPTH} deep in each other")
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for inner in ([attribute.g] if attribute.HasField("g") else []) + [*attribute.graphs]:
                yield from _graphs(inner, depth + 1)


def _nodes(model: Any) -> Iterator[Any]:
    for part in (model.graph, *model.functions):
        for graph in _graphs(part):
            yield from graph.node


def _tensors(message: Any) -> Iterator[Any]:
    """Every tensor in a message, wherever it lies: there are more places than one thinks of."""
    found = [message]
    while found:
        part = found.pop()
        if hasattr(part, "external_data"):
            yield part
        for field, value in part.ListFields():
            if field.message_type is not None:
                found += [value] if hasattr(value, "ListFields") else list(value)


def _ports(graph: Any) -> Ports:
    weights = {tensor.name for tensor in graph.initializer}
    inputs = [_port(value) for value in graph.input if value.name not in weights]
    if len(inputs) != 1:
        raise OnnxError(f"it has {len(inputs)} inputs; expected one, images or codes")
    if not graph.output:
        raise OnnxError("it has no output; expected codes or images")
    return Ports(inputs[0], tuple(_port(value) for value in graph.output))


def _port(value: Any) -> Port:
    tensor = value.type.tensor_type
    kind = _TYPES.get(tensor.elem_type, "another type")
    sizes = [d.dim_value if d.HasField("dim_value") else None for d in tensor.shape.dim]
    return Port(value.name[:100], kind, tuple(sizes))
