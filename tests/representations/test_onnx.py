"""ONNX files of strangers: run faithfully where they are plain, refused in one line otherwise."""

import sys
import time
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from dviz.errors import CheckpointError
from dviz.representations.base import Shape
from dviz.representations.onnx_check import OnnxError, read_model
from dviz.representations.onnx_files import OnnxRepresentation, OnnxWorker
from dviz.representations.onnx_worker import pack, unpack
from tests.representations.models import build, write, write_decoder, write_encoder

IMAGES, CODES = ("images", ["N", 3, 8, 8]), ("codes", ["N", 3])
SOON = 25  # seconds; loading alone takes one


def pictures(n):
    return np.random.default_rng(0).integers(0, 256, (n, 8, 8, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plain")
    return write_encoder(folder / "encoder.onnx"), write_decoder(folder / "decoder.onnx")


@pytest.fixture(scope="module")
def plain(files):
    found = OnnxRepresentation(*files)
    yield found
    found.close()


def test_codes_and_pictures_are_the_runtimes_own(files, plain):
    images = pictures(150)  # more than one call
    x = images.transpose(0, 3, 1, 2).astype(np.float32) / 255
    codes = onnxruntime.InferenceSession(files[0]).run(None, {"images": x})[0]
    painted = onnxruntime.InferenceSession(files[1]).run(None, {"codes": codes})[0]
    assert plain.shape == Shape(3, (8, 8), 3)
    np.testing.assert_allclose(plain.encode(images).mean, codes, atol=1e-6)
    assert plain.encode(images).std is None
    np.testing.assert_allclose(plain.decode(codes), 255 * painted.transpose(0, 2, 3, 1), atol=0.51)


def test_no_codes_give_no_pictures(plain):
    assert plain.decode(np.zeros((0, 3))).shape == (0, 8, 8, 3)


def test_a_fixed_batch_is_filled_up(tmp_path, plain):
    fixed = OnnxRepresentation(write_encoder(tmp_path / "fixed.onnx", batch=4))
    images = pictures(7)
    np.testing.assert_allclose(fixed.encode(images).mean, plain.encode(images).mean, atol=1e-6)
    fixed.close()


def test_the_process_ends_with_its_representation(files):
    found = OnnxRepresentation(files[0])
    process = found.encoder._process
    del found
    assert process.poll() is not None


def test_a_process_that_died_is_started_again(files):
    found = OnnxRepresentation(files[0])
    found.encoder._process.kill()
    found.encoder._process.wait()
    with pytest.raises(CheckpointError, match=r"encoder\.onnx cannot be run"):
        found.encode(pictures(1))
    assert found.encode(pictures(1)).mean.shape == (1, 3)
    found.close()


def test_messages_arrive_as_they_left():
    arrays = [np.arange(6, dtype=np.float32).reshape(2, 3), np.zeros((0, 4), dtype=np.uint8)]
    head, found = unpack(pack({"a": 1}, arrays)[8:])
    assert head["a"] == 1
    for array, other in zip(arrays, found, strict=True):
        np.testing.assert_array_equal(array, other)
        assert array.dtype == other.dtype
    with pytest.raises(ValueError, match="type"):
        unpack(pack({}, [np.array(["x"])])[8:])


def node(*args, **kwargs):
    return helper.make_node(*args, **kwargs)


def custom(path):
    return write(path, [node("Run", ["images"], ["codes"], domain="evil")], IMAGES, CODES)


def two_inputs(path):
    model = build([node("Flatten", ["images"], ["codes"])], IMAGES, CODES)
    model.graph.input.append(helper.make_tensor_value_info("more", TensorProto.FLOAT, [1]))
    onnx.save(model, path)
    return path


def outside(path):
    """Weights that lie in a file of the system's."""
    model = build([node("Add", ["images", "weights"], ["codes"])], IMAGES, CODES)
    tensor = model.graph.initializer.add(
        name="weights", data_type=TensorProto.FLOAT, dims=[4], data_location=TensorProto.EXTERNAL
    )
    for key, value in (("location", "../../../../../etc/passwd"), ("length", "16")):
        tensor.external_data.add(key=key, value=value)
    path.write_bytes(model.SerializeToString())
    return path


def outside_in_a_branch(path):
    """The same, in a constant of a graph within the graph."""
    value = TensorProto(data_type=TensorProto.FLOAT, dims=[4], data_location=TensorProto.EXTERNAL)
    value.external_data.add(key="location", value="/etc/passwd")
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, [4])
    branch = helper.make_graph([node("Constant", [], ["y"], value=value)], "b", [], [out])
    nodes = [node("If", ["images"], ["codes"], then_branch=branch, else_branch=branch)]
    path.write_bytes(build(nodes, IMAGES, CODES).SerializeToString())
    return path


def outside_in_a_sparse_constant(path):
    """The same, in the values of a constant that is mostly zeros."""
    values = TensorProto(data_type=TensorProto.FLOAT, dims=[4], data_location=TensorProto.EXTERNAL)
    values.external_data.add(key="location", value="secret")
    indices = helper.make_tensor("", TensorProto.INT64, [4], [0, 1, 2, 3])
    sparse = onnx.SparseTensorProto(values=values, indices=indices, dims=[4])
    nodes = [
        node("Constant", [], ["y"], sparse_value=sparse),
        node("Add", ["images", "y"], ["codes"]),
    ]
    path.write_bytes(build(nodes, IMAGES, CODES).SerializeToString())
    return path


def rubbish(path):
    path.write_bytes(b"\x00\x01 not a model" * 50)
    return path


def empty(path):
    path.write_bytes(b"")
    return path


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (custom, "operator Run of evil"),
        (two_inputs, "2 inputs"),
        (outside, r"another file.*external_data=False"),
        (outside_in_a_branch, "another file"),
        (outside_in_a_sparse_constant, "another file"),
        (rubbish, "not an ONNX file"),
        (empty, "not an ONNX file"),
    ],
)
def test_the_structure_alone_tells_what_is_not_plain(tmp_path, make, words):
    with pytest.raises(OnnxError, match=words):
        read_model(make(tmp_path / "odd.onnx"))


def test_a_file_that_is_too_large_is_not_opened(tmp_path):
    path = write_encoder(tmp_path / "encoder.onnx")
    with pytest.raises(OnnxError, match="at most"):
        read_model(path, max_bytes=100)


def huge(path, side=10**6):
    """A constant of 4 TB, made of a file of 200 bytes."""
    sizes = np.array([side, side], dtype=np.int64)
    nodes = [
        node("ConstantOfShape", ["sizes"], ["large"]),
        node("ReduceSum", ["large"], ["sum"], keepdims=0),
        node("Flatten", ["images"], ["flat"]),
        node("Add", ["flat", "sum"], ["codes"]),
    ]
    return write(path, nodes, IMAGES, ("codes", None), {"sizes": sizes})


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds a process's memory")
def test_memory_that_the_machine_has_is_refused_beyond_the_limit(tmp_path):
    path = huge(tmp_path / "large.onnx", side=11_000)  # 484 MB
    within = OnnxRepresentation(path)
    assert within.encode(pictures(2)).mean.shape == (2, 192)
    within.close()
    with pytest.raises(CheckpointError, match="memory"):
        OnnxRepresentation(path, memory=400 * 2**20)


def slow(path):
    """A loop of a billion billion steps."""
    keep = helper.make_tensor_value_info("keep", TensorProto.BOOL, [])
    inner = helper.make_graph(
        [node("Identity", ["c"], ["keep"]), node("Cos", ["v"], ["w"])],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("c", TensorProto.BOOL, []),
            helper.make_tensor_value_info("v", TensorProto.FLOAT, None),
        ],
        [keep, helper.make_tensor_value_info("w", TensorProto.FLOAT, None)],
    )
    weights = {"times": np.array(10**18, dtype=np.int64), "yes": np.array(True)}
    nodes = [node("Loop", ["times", "yes", "images"], ["codes"], body=inner)]
    return write(path, nodes, IMAGES, ("codes", None), weights)


def not_codes(path):
    return write(path, [node("Cos", ["images"], ["codes"])], IMAGES, ("codes", None))


def one_row(path):
    nodes = [node("ReduceMean", ["images"], ["codes"], axes=[0], keepdims=1)]
    return write(path, nodes, IMAGES, ("codes", None))


def endless(path):
    return write_encoder(path, bias=float("inf"))


def no_images(path):
    return write(path, [node("Cos", ["x"], ["y"])], ("x", ["N", 3]), ("y", ["N", 3]))


def giant(path):
    """Takes pictures of a terabyte each."""
    sizes = ["N", 3, 10**6, 10**6]
    return write(path, [node("Flatten", ["images"], ["codes"])], ("images", sizes), CODES)


def crowd(path):
    """Takes pictures of a billion channels."""
    sizes = ["N", 10**9, 64, 64]
    return write(path, [node("Flatten", ["images"], ["codes"])], ("images", sizes), CODES)


def boastful(path):
    """Weights said to be 4 TB, of which 16 bytes are there."""
    model = build([node("Add", ["images", "weights"], ["codes"])], IMAGES, CODES)
    model.graph.initializer.add(
        name="weights", data_type=TensorProto.FLOAT, dims=[10**6, 10**6], raw_data=bytes(16)
    )
    path.write_bytes(model.SerializeToString())
    return path


def no_output(path):
    model = build([node("Flatten", ["images"], ["codes"])], IMAGES, CODES)
    model.graph.output[0].name = "elsewhere"
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (huge, "memory"),
        (slow, "longer than 2 s"),
        (not_codes, "shape"),
        (one_row, "one row each"),
        (endless, "finite"),
        (no_images, "expected images"),
        (giant, "sides of 1 to"),
        (crowd, "channels is"),
        (boastful, "cannot be run"),
        (no_output, "cannot be run"),
        (custom, "not part of ONNX"),
    ],
)
def test_hostile_files_end_in_one_line_soon(tmp_path, make, words):
    began = time.monotonic()
    with pytest.raises(CheckpointError, match=words) as caught:
        OnnxRepresentation(make(tmp_path / "odd.onnx"), call=2)
    assert time.monotonic() - began < SOON
    assert "\n" not in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def test_a_decoder_must_fit_its_encoder(files, tmp_path):
    with pytest.raises(CheckpointError, match=r"\.onnx"):
        OnnxRepresentation(files[0], write_decoder(tmp_path / "decoder.onnx", latent=5))


def test_a_worker_keeps_no_secrets(files, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "secret")
    worker = OnnxWorker(files[0])
    environment = Path(f"/proc/{worker._process.pid}/environ").read_text()
    worker.close()
    assert "secret" not in environment
