import pytest

from dviz.data.labels import read_labels
from dviz.errors import DatasetError

HEADER = "image,colour"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "needs one column 'image'"),
        (["name,colour", "photo00.png,red"], "needs one column 'image'.*'name,colour'"),
        ([HEADER], "names no images"),
        ([HEADER, "photo00.png,red", "photo00.png,blue"], "line 3: 'photo00.png' is named twice"),
        ([HEADER, "photo00.png"], "line 2: 1 cells for 2 columns"),
        ([HEADER, ",red"], "line 2: there is no image name"),
        (["image,a,a", "photo00.png,1,2"], "names that differ"),
        (["image,", "photo00.png,1"], "names that differ"),
        ([HEADER, "photo00.png,"], "column 'colour' is empty"),
        ([HEADER, "photo00.png,red", "photo01.png,"], "column 'colour' has a label for one image"),
        (["image,photograph", "a.png,1", "b.png,1"], "column 'photograph': 1 photographs for 2"),
    ],
)
def test_broken_labels_are_named_in_one_line(lines, message):
    with pytest.raises(DatasetError, match=message) as error:
        read_labels("\n".join(lines), "labels.csv in x")
    assert "\n" not in str(error.value)
    assert "labels.csv" in str(error.value)


def test_a_column_photograph_says_what_belongs_together_and_is_no_factor():
    rows = ["image,photograph,stain", "a.png,s1,red", "b.png,,blue", "c.png,s1,red", "d.png,,blue"]
    found = read_labels("\n".join(rows), "labels.csv")
    assert found.space.names == ("stain",)
    a, b, c, d = found.photographs
    assert a == c
    assert len({a, b, d}) == 3
    rows[1:] = [row.replace("s1", "") for row in rows[1:]]
    assert read_labels("\n".join(rows), "labels.csv").photographs is None
    assert read_labels("image,stain\na.png,red\nb.png,blue", "labels.csv").photographs is None


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["1700000000000000002", "1700000000000000001"],
         ("1700000000000000001", "1700000000000000002")),
        (['"1,000"', "1000", "900", '"2,000"'], ("900", "1000", "2,000")),
        (['"0,5"', '"1,250"', "2"], ("0,5", "1,250", "2")),
        (["1", "1.0", "01.5"], ("1", "01.5")),
    ],
    ids=["beyond floats", "thousands", "decimal commas", "the same number"],
)  # fmt: skip
def test_numbers_are_told_apart_and_ordered_by_all_their_digits(cells, values):
    lines = ["image,n", *(f"{i}.png,{cell}" for i, cell in enumerate(cells))]
    (factor,) = read_labels("\n".join(lines), "labels.csv").space.factors
    assert factor.values == values
