"""ONNX files as a representation: the format for models from strangers.

Each file runs in a process of its own, within limits on memory and time (see `onnx_worker`).
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import weakref
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from dviz.errors import CheckpointError
from dviz.representations.base import Codes, Representation, Shape
from dviz.representations.onnx_worker import LENGTH, pack, unpack
from dviz.representations.outputs import as_codes
from dviz.representations.pictures import as_planes, from_output

MEMORY = 2 * 2**30  # bytes of address space; a study-sized model takes a tenth of it
START, CALL = 30.0, 20.0  # seconds to load, and to answer one call
PROCESSOR = 3600  # seconds of processor time in a worker's life
ANSWER = 512 * 2**20  # bytes
BATCH = 64  # rows in one call
NEEDED = ("onnx", "onnxruntime")
KEPT = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR", "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
ENDED = "it needed more memory or time than it is given here, and was ended"


class OnnxWorker:
    """One model in its process; started when first needed, started again after it failed.

    Raises (all methods):
        CheckpointError: one line on why the file cannot be run.
    """

    def __init__(self, path: str | Path, *, memory: int = MEMORY, call: float = CALL) -> None:
        self.path = Path(path)
        self._memory, self._call = memory, call
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        require_onnx()
        self.ports = self._start()

    def run(self, rows: np.ndarray) -> list[np.ndarray]:
        """All outputs of the model for `rows` (N, …)."""
        parts = []
        with self._lock:
            for start in range(0, len(rows), BATCH):
                if self._process is None:
                    self._start()
                message = pack({}, [rows[start : start + BATCH]])
                parts.append(self._ask(message, self._call)[1])
        return [np.concatenate(column) for column in zip(*parts, strict=True)]

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            _end(self._process)
            self._process = None

    def _start(self) -> dict[str, Any]:
        command = [sys.executable, "-m", "dviz.representations.onnx_worker"]
        limits = [str(self.path.resolve()), str(self._memory), str(PROCESSOR)]
        self._process = subprocess.Popen(
            [*command, *limits],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
        )
        weakref.finalize(self, _end, self._process)
        return self._ask(b"", START)[0]

    def _ask(self, message: bytes, seconds: float) -> tuple[dict[str, Any], list[np.ndarray]]:
        """Send a message and wait for the answer, not longer than `seconds`."""
        process = self._process
        assert process is not None
        clock = threading.Timer(seconds, process.kill)
        clock.daemon = True
        clock.start()
        began = time.monotonic()
        try:
            head, arrays = _exchange(process, message)
        except (OSError, EOFError) as error:
            late = time.monotonic() - began >= seconds
            self._fail(f"it took longer than {seconds:g} s" if late else ENDED, error)
        except (ValueError, KeyError, TypeError) as error:
            self._fail("its answer makes no sense, or is too large", error)
        finally:
            clock.cancel()
        if "error" in head:
            self._fail(head["error"])
        return head, arrays

    def _fail(self, reason: str, cause: BaseException | None = None) -> NoReturn:
        self.close()
        raise CheckpointError(f"{self.path.name} cannot be run: {reason}") from cause


def require_onnx() -> None:
    """Raise CheckpointError where the packages for ONNX are not installed."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise CheckpointError(
            f"ONNX files need {missing[0]}; pip install '.[onnx]' in dviz's folder"
        )


def _environment() -> dict[str, str]:
    """What a worker needs to find its packages, and nothing secret."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    here = str(Path(__file__).parents[2])
    found = os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH")]))
    return {**kept, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": found}


def _exchange(
    process: subprocess.Popen[bytes], message: bytes
) -> tuple[dict[str, Any], list[np.ndarray]]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(message)
    process.stdin.flush()
    head = process.stdout.read(LENGTH.size)
    if len(head) < LENGTH.size:
        raise EOFError
    (length,) = LENGTH.unpack(head)
    if length > ANSWER:
        raise ValueError(f"an answer of {length} bytes")
    body = process.stdout.read(length)
    if len(body) < length:
        raise EOFError
    return unpack(body)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        with suppress(OSError):
            if pipe is not None:
                pipe.close()


class OnnxRepresentation(Representation):
    """An encoder's ONNX file, and a decoder's if there is one.

    The encoder takes images, float32 in [0, 1] or uint8, (N, C, H, W) or (N, H, W, C); it gives
    codes (N, D), and may give their standard deviations as a second output. The decoder takes such
    codes, float32, and gives images of either layout.

    Raises:
        CheckpointError: a file cannot be run, or takes or gives something else.
    """

    def __init__(
        self,
        encoder: str | Path,
        decoder: str | Path | None = None,
        *,
        image_size: tuple[int, int] | None = None,
        channels: int | None = None,
        memory: int = MEMORY,
        call: float = CALL,
    ) -> None:
        self.encoder = OnnxWorker(encoder, memory=memory, call=call)
        self.decoder = OnnxWorker(decoder, memory=memory, call=call) if decoder else None
        self.has_decoder = decoder is not None
        self._layout = _input_layout(self.encoder, image_size, channels)
        size, found = self._layout.size, self._layout.channels
        try:
            Shape(1, size, found)  # before anything as large as the file says is made
            blank = np.zeros((2, *size, found), dtype=np.uint8)
            self.shape = Shape(self._encode(blank).mean.shape[1], size, found)
            self.encode(np.zeros((2, *size, 3), dtype=np.uint8))
            if self.decoder is not None:
                self.decode(np.zeros((2, self.latent_size), dtype=np.float32))
        except ValueError as error:
            self.close()
            raise CheckpointError(f"{self.encoder.path.name} does not fit: {error}") from error
        except CheckpointError:
            self.close()
            raise

    def close(self) -> None:
        """End its processes; they also end with it."""
        for worker in (self.encoder, self.decoder):
            if worker is not None:
                worker.close()

    def _encode(self, images: np.ndarray) -> Codes:
        outputs = self.encoder.run(self._layout.arrange(images))
        return as_codes(tuple(outputs[:2]))

    def _decode(self, codes: np.ndarray) -> np.ndarray:
        assert self.decoder is not None
        return from_output(self.decoder.run(codes)[0], len(codes))


class _Layout:
    """How an encoder wants its images."""

    def __init__(self, kind: str, last: bool, size: tuple[int, int], channels: int) -> None:
        self.kind, self.last, self.size, self.channels = kind, last, size, channels

    def arrange(self, images: np.ndarray) -> np.ndarray:
        """Images uint8 (N, H, W, C) as the encoder takes them."""
        if self.kind == "uint8":
            return images if self.last else np.ascontiguousarray(images.transpose(0, 3, 1, 2))
        planes = as_planes(images)
        return np.ascontiguousarray(planes.transpose(0, 2, 3, 1)) if self.last else planes


def _input_layout(
    worker: OnnxWorker, image_size: tuple[int, int] | None, channels: int | None
) -> _Layout:
    _, kind, sizes = worker.ports["input"]
    if kind not in ("float32", "uint8") or len(sizes) != 4:
        found = [size or "N" for size in sizes]
        worker.close()
        raise CheckpointError(
            f"{worker.path.name} takes {kind} {found}; expected images, float32 or uint8, with "
            "four sizes: N, channels, height and width, or channels last"
        )
    last = sizes[3] in (1, 3) and sizes[1] not in (1, 3)
    found_channels = sizes[3] if last else sizes[1]
    height, width = sizes[1:3] if last else sizes[2:]
    size = tuple(image_size or (height or 64, width or 64))
    return _Layout(kind, last, (size[0], size[1]), channels or found_channels or 3)
