"""A process of its own that runs one ONNX model within limits: `python -m … FILE MEMORY SECONDS`.

A model from a stranger can ask for any amount of memory or time at any moment, while it is loaded
as well as at the thousandth image. So it runs where the operating system holds it to its limits,
and whoever asked loses nothing when it ends.

Messages on both pipes are a length (8 bytes), a line of JSON, and the bytes of the arrays it names.
"""

from __future__ import annotations

import json
import os
import struct
import sys
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from typing import Any, BinaryIO

import numpy as np

from dviz.representations.onnx_check import OnnxError, Port, Ports, read_model

LENGTH = struct.Struct("<Q")
ALLOWED = ("float32", "uint8", "float64", "float16", "int64", "int32")


def pack(head: dict[str, Any], arrays: Sequence[np.ndarray]) -> bytes:
    """A message: JSON with shapes and types, then the arrays."""
    arrays = [np.ascontiguousarray(array) for array in arrays]
    head = head | {"arrays": [[str(array.dtype), list(array.shape)] for array in arrays]}
    line = json.dumps(head).encode() + b"\n"
    body = b"".join([line, *(array.tobytes() for array in arrays)])
    return LENGTH.pack(len(body)) + body


def unpack(body: bytes) -> tuple[dict[str, Any], list[np.ndarray]]:
    """Inverse of `pack`, without the length. Raises ValueError where it is no such message."""
    line, _, rest = body.partition(b"\n")
    head = json.loads(line)
    arrays, place = [], 0
    for name, shape in head["arrays"]:
        if name not in ALLOWED:
            raise ValueError(f"an array of type {name}")
        size = int(np.prod(shape, dtype=np.int64)) * np.dtype(name).itemsize
        values = np.frombuffer(rest[place : place + size], dtype=name)
        arrays.append(values.reshape(shape).copy())
        place += size
    return head, arrays


def limit(memory: int, seconds: int) -> None:
    """Hold this process to so many bytes, and to so much processor time altogether."""
    try:
        import resource
    except ImportError:  # Windows has no such limits; the caller's own clock still holds
        return
    for what, value in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CPU, seconds)):
        _, hard = resource.getrlimit(what)
        wanted = value if hard == resource.RLIM_INFINITY else min(value, hard)
        unbounded = sys.platform == "darwin" and what == resource.RLIMIT_AS
        with suppress(ValueError, OSError) if unbounded else nullcontext():  # macOS refuses it
            resource.setrlimit(what, (wanted, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


class Model:
    """A checked model in a session of one thread, which takes any number of rows."""

    def __init__(self, path: str) -> None:
        import onnxruntime

        content, self.ports = read_model(path)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 4
        self._session = onnxruntime.InferenceSession(
            content, options, providers=["CPUExecutionProvider"]
        )

    def run(self, rows: np.ndarray) -> list[np.ndarray]:
        """All outputs for `rows`; a model of a fixed batch is run batch after batch."""
        port: Port = self.ports.input
        batch = (port.sizes[0] if port.sizes else None) or len(rows)
        if not 1 <= batch <= 4096:
            raise OnnxError(f"it takes batches of {batch}; at most 4096 are run")
        parts = []
        for start in range(0, len(rows), batch):
            some = rows[start : start + batch]
            filled = np.concatenate([some, np.repeat(some[-1:], batch - len(some), axis=0)])
            outputs = self._session.run(None, {port.name: filled})
            parts.append([self._whole(output, len(filled))[: len(some)] for output in outputs])
        return [np.concatenate(column) for column in zip(*parts, strict=True)]

    @staticmethod
    def _whole(output: Any, rows: int) -> np.ndarray:
        array = np.asarray(output)
        if not array.ndim or len(array) != rows or str(array.dtype) not in ALLOWED:
            raise OnnxError(
                f"it gave {array.dtype} {array.shape} for {rows} rows; expected one row each"
            )
        return array


def describe(ports: Ports) -> dict[str, Any]:
    """What the other side needs to know of a model."""
    return {
        "input": [ports.input.name, ports.input.type, list(ports.input.sizes)],
        "outputs": [[port.name, port.type, list(port.sizes)] for port in ports.outputs],
    }


def one_line(error: BaseException) -> str:
    """Why something failed, for people."""
    if isinstance(error, MemoryError) or "bad_alloc" in str(error) or "allocate" in str(error):
        return "it needs more memory than it is given here"
    return " ".join(str(error).split())[:200] or type(error).__name__


def serve(path: str, requests: BinaryIO, answers: BinaryIO) -> None:
    """Load, say what it is, then answer until the other side closes."""

    def say(head: dict[str, Any], arrays: Sequence[np.ndarray] = ()) -> None:
        answers.write(pack(head, arrays))
        answers.flush()

    try:
        model = Model(path)
    except Exception as error:  # whatever a runtime raises of a stranger's file
        say({"error": one_line(error)})
        return
    say(describe(model.ports))
    while len(length := requests.read(LENGTH.size)) == LENGTH.size:
        _, (rows,) = unpack(requests.read(*LENGTH.unpack(length)))
        try:
            say({}, model.run(rows))
        except Exception as error:
            say({"error": one_line(error)})


def main() -> None:
    path, memory, seconds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing that a library prints may get among the messages
    limit(memory, seconds)
    serve(path, sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
