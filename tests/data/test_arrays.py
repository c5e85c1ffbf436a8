import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

import dviz
from dviz.data.arrays import as_dataset, from_arrays, from_torch
from dviz.errors import DatasetError

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (24, 64, 64, 3), dtype=np.uint8)
LABELS = np.stack([np.arange(24) // 8, np.arange(24) % 8], axis=1)


def all_images(dataset):
    return dataset.images(np.arange(dataset.num_images))


@pytest.mark.parametrize(
    "images",
    [
        IMAGES,
        list(IMAGES),
        IMAGES.transpose(0, 3, 1, 2),
        IMAGES.astype(np.float32) / 255,
        torch.from_numpy(IMAGES).movedim(-1, 1).float().div(255).requires_grad_(),
        [Image.fromarray(image) for image in IMAGES],
    ],
    ids=["uint8", "list", "channels first", "floats", "tensor", "PIL"],
)
def test_the_same_pictures_in_every_form(images):
    assert (all_images(from_arrays(images)) == IMAGES).all()


def test_grey_pictures_of_any_size_become_colour_of_the_usual_size():
    grey = np.full((2, 28, 40), 0.5)
    found = all_images(from_arrays(grey))
    assert found.shape == (2, 64, 64, 3)
    assert (found == 128).all()


def test_labels_become_classes_in_their_order():
    dataset = from_arrays(IMAGES[:4], {"size": [2.5, 0.1, 0.1, np.nan], "kind": list("baab")})
    assert dataset.space.names == ("size", "kind")
    assert dataset.space.factors[0].values == ("0.1", "2.5")
    assert dataset.factors(np.arange(4)).tolist() == [[1, 1], [0, 0], [0, 0], [-1, 1]]


def test_a_table_of_classes_stays_as_it_is():
    dataset = from_arrays(IMAGES, LABELS, ["thing", "turn"])
    assert (dataset.factors(np.arange(24)) == LABELS).all()
    assert [factor.values for factor in dataset.space.factors] == [(), ()]
    first, second, changed = dataset.sample_pairs(20, np.random.default_rng(0), 1)
    assert (changed.sum(1) == 1).all()
    assert (first != second).any(axis=(1, 2, 3)).all()


class Things(torch.utils.data.Dataset):
    def __init__(self, item):
        self.item = item

    def __len__(self):
        return len(IMAGES)

    def __getitem__(self, i):
        return self.item(torch.from_numpy(IMAGES[i]).movedim(-1, 0) / 255, *LABELS[i])


@pytest.mark.parametrize(
    ("item", "names"),
    [
        (lambda x, a, b: x, ()),
        (lambda x, a, b: (x, int(a)), ("factor 1",)),
        (lambda x, a, b: (x, torch.tensor([a, b])), ("factor 1", "factor 2")),
        (lambda x, a, b: (x, a, b), ("factor 1", "factor 2")),
        (lambda x, a, b: {"thing": a, "image": x, "turn": b}, ("thing", "turn")),
    ],
)
def test_a_torch_dataset_gives_images_and_labels(item, names):
    dataset = as_dataset(Things(item))
    assert (all_images(dataset) == IMAGES).all()
    assert dataset.space.names == names
    assert (dataset.factors(np.arange(24)) == LABELS[:, : len(names)]).all()


def test_a_hugging_face_dataset_gives_images_and_named_labels():
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(
        {
            "image": datasets.Image(),
            "kind": datasets.ClassLabel(names=["zebra", "ape", "cow"]),
            "turn": datasets.Value("int64"),
            "box": datasets.Sequence(datasets.Value("float32")),
        }
    )
    rows = {
        "image": [Image.fromarray(image) for image in IMAGES],
        "kind": LABELS[:, 0].tolist(),
        "turn": LABELS[:, 1].tolist(),
        "box": [[0.0, 1.0]] * 24,
    }
    found = as_dataset(datasets.Dataset.from_dict(rows, features=features))
    assert (all_images(found) == IMAGES).all()
    assert found.space.names == ("kind", "turn")
    assert found.space.factors[0].values == ("zebra", "ape", "cow")
    assert (found.factors(np.arange(24)) == LABELS).all()
    with pytest.raises(DatasetError, match="there is no column 'picture'; there are image, kind"):
        as_dataset(datasets.Dataset.from_dict(rows, features=features), image="picture")


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (IMAGES.astype(np.float32), None, r"values from 0 to 255; expected uint8 or floats"),
        (IMAGES.astype(np.int64), None, "type int64; expected uint8"),
        (IMAGES[..., :2], None, r"shape \(64, 64, 2\); expected"),
        (IMAGES, LABELS[:5], "labels has 5 rows; there are 24 images"),
        (IMAGES, np.zeros((24, 2, 2)), r"labels have shape \(24, 2, 2\)"),
        (IMAGES, {"a": [[1], [2]] * 12}, "'a' are no numbers or words"),
        (IMAGES, {"a": [None] * 24}, "'a' are all unknown"),
        ("pictures.npy", None, "images must be an array"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(images, labels, message):
    with pytest.raises(ValueError, match=message):
        from_arrays(images, labels)


def test_more_images_than_fit_are_refused_before_any_is_read():
    class Endless(Things):
        def __len__(self):
            return 10**7

        def __getitem__(self, i):
            raise AssertionError

    with pytest.raises(DatasetError, match=r"10,000,000 images; up to 200,000"):
        from_torch(Endless(None))


def test_a_pandas_table_names_the_factors():
    frame = pd.DataFrame(LABELS, columns=["thing", "turn"])
    assert from_arrays(IMAGES, frame).space.names == ("thing", "turn")
    with pytest.raises(ValueError, match="names has 1 entries; labels have 2 columns"):
        from_arrays(IMAGES, LABELS, ["thing"])


def test_pillow_s_pictures_are_read_as_files_are():
    ramp = np.linspace(0, 4095, 64, dtype=np.uint16)[None].repeat(64, 0)
    dark = Image.fromarray(ramp // 2)
    clear = Image.new("RGBA", (64, 64), (255, 255, 255, 0))
    found = from_arrays([Image.fromarray(ramp), dark, clear], None).images(np.arange(3))
    assert abs(int(np.median(found[0])) - 127) <= 2
    assert abs(int(np.median(found[1])) - 64) <= 2  # one scale for all
    assert (found[2] == 0).all()


@pytest.mark.parametrize("form", [torch.from_numpy, lambda c: list(torch.from_numpy(c)), pd.Series])
def test_columns_of_tensors_are_columns_of_numbers(form):
    columns = {"thing": form(LABELS[:, 0]), "turn": form(LABELS[:, 1])}
    assert from_arrays(IMAGES, columns).space.sizes.tolist() == [3, 8]
    frame = pd.DataFrame(
        {name: list(torch.from_numpy(c)) for name, c in zip("ab", LABELS.T, strict=True)}
    )
    assert from_arrays(IMAGES, frame).space.sizes.tolist() == [3, 8]


def test_labels_beside_a_torch_dataset_take_the_place_of_its_own():
    for item in (lambda x, a, b: x, lambda x, a, b: (x, 0)):
        dataset = as_dataset(Things(item), LABELS, names=["thing", "turn"])
        assert dataset.space.names == ("thing", "turn")
        assert dataset.space.sizes.tolist() == [3, 8]
    with pytest.raises(ValueError, match="dsprites has labels"):
        dviz.dataset("dsprites", LABELS)


def test_what_belongs_together_is_said_in_numbers_or_words():
    dataset = as_dataset(IMAGES[:5], [0, 1, 0, 1, 0], photographs=["b", None, "a", "b", np.nan])
    b, second, a, again, last = dataset.photographs_of(np.arange(5))
    assert b == again
    assert len({b, second, a, last}) == 4
    assert from_arrays(IMAGES).photographs_of(np.arange(24)) is None
    with pytest.raises(ValueError, match="photographs has 2 entries; there are 5 images"):
        from_arrays(IMAGES[:5], photographs=[1, 2])
    with pytest.raises(DatasetError, match="photographs: 2 photographs for 5 images"):
        from_arrays(IMAGES[:5], photographs=[1, 1, 1, 1, 2])
    with pytest.raises(ValueError, match="no list of numbers or words"):
        from_arrays(IMAGES[:5], photographs=np.arange(5)[:, None])


@pytest.mark.parametrize("form", [dict, pd.DataFrame, "torch"])
def test_a_column_photograph_is_no_factor_whatever_holds_it(form):
    table = {"photograph": list("aabbc"), "stain": [0, 1, 0, 1, 0]}
    if form == "torch":
        rows = [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]
        dataset = from_torch(
            [{"image": image} | row for image, row in zip(IMAGES, rows, strict=False)]
        )
    else:
        dataset = from_arrays(IMAGES[:5], form(table))
    assert dataset.space.names == ("stain",)
    assert dataset.photographs_of(np.arange(5)).tolist() == [0, 0, 1, 1, 2]


@pytest.mark.parametrize(
    ("labels", "values", "classes"),
    [
        (["a", float("nan"), "b", "a"], ("a", "b"), [0, -1, 1, 0]),
        (["a", "", None, "b"], ("a", "b"), [0, -1, -1, 1]),
        (np.ma.masked_array([5, 7, 9, 5], mask=[0, 0, 1, 0]), ("5", "7"), [0, 1, -1, 0]),
        (
            [torch.tensor(3), torch.tensor(1), torch.tensor(3), torch.tensor(1)],
            ("1", "3"),
            [1, 0] * 2,
        ),
        (
            [2019.00001, 2019.00002, 2019.00001, 1],
            ("1.0", "2019.00001", "2019.00002"),
            [1, 2, 1, 0],
        ),
    ],
    ids=["NaN among words", "empty", "masked", "tensors", "late digits"],
)
def test_what_is_not_known_is_no_value(labels, values, classes):
    dataset = from_arrays(IMAGES[:4], labels)
    assert dataset.space.factors[0].values == values
    assert dataset.factors(np.arange(4))[:, 0].tolist() == classes


def test_columns_of_rows_keep_their_own_kinds():
    dataset = from_arrays(IMAGES[:4], [["a", 2], ["b", 10], [float("nan"), 1], ["a", 2]])
    word, number = dataset.space.factors
    assert word.values == ("a", "b")
    assert [float(value) for value in number.values] == [1, 2, 10]
    assert dataset.factors(np.arange(4)).tolist() == [[0, 1], [1, 2], [-1, 0], [0, 1]]


@pytest.mark.parametrize(
    ("labels", "message"),
    [([["a", 1], ["b"]] * 2, "rows of"), (np.zeros((4, 0)), "no columns")],
)
def test_labels_that_are_no_table_are_refused_in_words(labels, message):
    with pytest.raises(ValueError, match=message):
        from_arrays(IMAGES[:4], labels)
