import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from dviz.data.photos import (
    decode_photo,
    example_photos,
    remove_background,
    square,
    to_model_input,
)
from dviz.errors import PhotoError


def gradient(height=40, width=60):
    """A picture whose corners all differ: red grows to the right, green downwards."""
    image = np.zeros((height, width, 3), dtype=np.uint8)
    image[..., 0] = np.linspace(0, 250, width).astype(np.uint8)
    image[..., 1] = np.linspace(0, 250, height).astype(np.uint8)[:, None]
    return image


def encoded(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def bomb(width, height):
    """A tiny, valid PNG that claims to be huge."""

    def chunk(kind, data):
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checksum

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 1000)
    chunks = [chunk(b"IHDR", header), chunk(b"IDAT", pixels), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM"])
def test_exact_formats_give_exact_pixels(kind):
    assert (decode_photo(encoded(gradient(), kind)) == gradient()).all()


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_lossy_formats_come_close(kind):
    difference = decode_photo(encoded(gradient(), kind, quality=95)).astype(int) - gradient()
    assert np.abs(difference).mean() < 4


def test_paths_and_bytes_are_the_same(tmp_path):
    content = encoded(gradient())
    (tmp_path / "a.png").write_bytes(content)
    assert (decode_photo(tmp_path / "a.png") == decode_photo(content)).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_photos_turned_by_exif_are_shown_upright(orientation):
    turns = {
        1: lambda a: a,
        2: np.fliplr,
        3: lambda a: np.rot90(a, 2),
        4: np.flipud,
        5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: np.rot90(a, 2).transpose(1, 0, 2),
        8: lambda a: np.rot90(a, -1),
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = np.ascontiguousarray(turns[orientation](gradient()))
    assert (decode_photo(encoded(stored, exif=exif)) == gradient()).all()


def test_transparency_lies_on_black_or_on_what_is_asked_for():
    image = np.dstack([gradient(), np.full((40, 60), 255, np.uint8)])
    image[:, :30, 3] = 0
    on_black = decode_photo(encoded(image))
    assert on_black[:, :30].max() == 0
    assert (on_black[:, 30:] == gradient()[:, 30:]).all()
    assert (decode_photo(encoded(image), transparent=(9, 8, 7))[:, :30] == (9, 8, 7)).all()


def test_transparent_palettes_are_understood():
    image = Image.fromarray(np.arange(16, dtype=np.uint8).reshape(4, 4).repeat(4, 0).repeat(4, 1))
    palette = image.convert("P")
    decoded = decode_photo(encoded(palette, "GIF", transparency=0))
    assert decoded.shape == (16, 16, 3)
    assert decoded[0, 0].max() == 0


def test_the_first_frame_of_an_animation_is_taken():
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    for kind in ("GIF", "WEBP"):
        content = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
        assert np.abs(decode_photo(content)[10, 10].astype(int) - (255, 0, 0)).max() < 8


def test_cmyk_looks_like_itself():
    cmyk = Image.fromarray(gradient()).convert("CMYK")
    difference = decode_photo(encoded(cmyk, "JPEG", quality=95)).astype(int) - gradient()
    assert np.abs(difference).mean() < 12


def test_sixteen_bit_grey_keeps_its_scale():
    values = np.linspace(0, 65535, 64, dtype=np.uint16)[None].repeat(10, 0)
    for kind in ("TIFF", "PNG"):
        decoded = decode_photo(encoded(values, kind))
        assert decoded.shape == (10, 64, 3)
        assert np.abs(decoded[0, :, 0].astype(int) - np.linspace(0, 255, 64)).max() <= 1


def test_float_tiffs_are_scaled_and_survive_nan():
    values = np.linspace(-1, 1, 100, dtype=np.float32).reshape(10, 10)
    values[0, 0], values[0, 1] = np.nan, np.inf
    decoded = decode_photo(encoded(values, "TIFF"))
    assert decoded[-1, -1].min() == 255
    assert decoded[0, 0].max() == 0
    with pytest.raises(PhotoError, match="no finite numbers"):
        decode_photo(encoded(np.full((10, 10), np.nan, np.float32), "TIFF"))


def test_colour_profiles_are_followed_and_broken_ones_ignored():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    same = decode_photo(encoded(gradient(), icc_profile=profile))
    assert np.abs(same.astype(int) - gradient()).max() <= 2
    assert (decode_photo(encoded(gradient(), icc_profile=b"nonsense")) == gradient()).all()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"just text, whatever its name says", "not a picture of a known kind"),
        (b"<svg onload='alert(1)'></svg>", "SVG"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"\0\0\0\x18ftypheic" + b"\0" * 40, "HEIC"),
        (encoded(gradient(), "JPEG")[:400], "damaged or cut off"),
        (encoded(gradient())[:120], "damaged or cut off"),
        (bomb(20_000, 20_000), "more than 50 million pixels"),
        (bomb(8_000, 8_000), "8000×8000.*50 million pixels"),
        (encoded(np.zeros((1, 1, 3), np.uint8)), "1×1 pixels; each side needs at least 8"),
        (encoded(np.zeros((10_000, 1, 3), np.uint8)), "1×10000 pixels"),
    ],
    ids=["empty", "text", "svg", "pdf", "heic", "jpeg", "png", "bomb", "large", "tiny", "strip"],
)
def test_what_cannot_be_used_says_why_in_one_line(tmp_path, content, message):
    path = tmp_path / "photo.png"
    path.write_bytes(content)
    for source in (content, path):
        with pytest.raises(PhotoError, match=message) as error:
            decode_photo(source)
        assert "\n" not in str(error.value)
        assert str(tmp_path) not in str(error.value)


def test_files_over_the_limit_are_not_even_read_whole(tmp_path):
    path = tmp_path / "big.bmp"
    path.write_bytes(encoded(gradient(), "BMP") + b"\0" * 5_000_000)
    with pytest.raises(PhotoError, match="larger than 1 MB"):
        decode_photo(path, max_bytes=1_000_000)
    with pytest.raises(PhotoError, match="cannot be opened"):
        decode_photo(tmp_path / "nowhere.png")


@pytest.mark.parametrize("shape", [(40, 60), (60, 40), (50, 50), (8, 200)])
@pytest.mark.parametrize("mode", ["crop", "pad"])
@pytest.mark.parametrize("background", ["keep", "border"])
def test_model_inputs_are_always_64_square(shape, mode, background):
    image = to_model_input(gradient(*shape), mode=mode, background=background)
    assert image.shape == (64, 64, 3)
    assert image.dtype == np.uint8


def test_a_model_input_is_left_as_it_is():
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    assert (to_model_input(image) == image).all()


def test_crop_takes_the_centre_and_pad_keeps_everything():
    image = gradient(40, 60)
    assert (square(image, "crop") == image[:, 10:50]).all()
    padded = square(image, "pad", fill=(1, 2, 3))
    assert padded.shape == (60, 60, 3)
    assert (padded[10:50] == image).all()
    assert (padded[:10] == (1, 2, 3)).all()
    with pytest.raises(ValueError, match="allowed are 'crop' and 'pad'"):
        square(image, "stretch")
    with pytest.raises(ValueError, match="background is 'blue'"):
        to_model_input(image, background="blue")


def test_background_goes_and_what_it_encloses_stays():
    image = np.full((50, 50, 3), (200, 210, 220), dtype=np.uint8)
    image[15:35, 15:35] = (180, 20, 20)
    image[22:28, 22:28] = (200, 210, 220)  # like the background, but inside
    cut, foreground = remove_background(image)
    assert foreground[15:35, 15:35].all()
    assert foreground.sum() == 400
    assert cut[~foreground].max() == 0
    assert (cut[foreground] == image[foreground]).all()


def test_there_are_example_photos():
    photos = example_photos()
    assert len(photos) >= 4
    for name, image in photos:
        assert name
        assert image.ndim == 3
        assert min(image.shape[:2]) >= 64
