import io
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image, ImageCms

from dviz.data import photos
from dviz.data.background import cut_out
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


def tiff(tags, kinds=None, pixels=b"\0" * 30_000):
    """A TIFF of 100 × 100 RGB pixels with these tags on top; `kinds`: types other than 4."""
    size = len(pixels)
    tags = {256: 100, 257: 100, 258: 8, 259: 1, 262: 2, 273: 8, 277: 3, 278: 100, 279: size} | tags
    entries = [
        struct.pack("<HHII", tag, (kinds or {}).get(tag, 4), 1, value)
        for tag, value in sorted(tags.items())
    ]
    start = b"II*\0" + struct.pack("<I", 8 + size) + pixels
    return start + struct.pack("<H", len(tags)) + b"".join(entries) + b"\0" * 4


def tiled_bomb(side):
    """A TIFF of 100 × 100 pixels in one tile of `side` × `side`."""
    pixels = zlib.compress(b"\0" * 100_000)
    tile = {259: 8, 322: side, 323: side, 324: 8, 325: len(pixels)}
    return tiff(tile, pixels=pixels)


def swapped_profile():
    """A colour profile in which red means blue and blue means red."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = profile.replace(b"rXYZ", b"temp", 1).replace(b"bXYZ", b"rXYZ", 1)
    return swapped.replace(b"temp", b"bXYZ", 1)


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
    values = np.linspace(9_000, 60_000, 64, dtype=np.uint16)[None].repeat(10, 0)
    for kind in ("TIFF", "PNG"):
        decoded = decode_photo(encoded(values, kind))
        assert decoded.shape == (10, 64, 3)
        assert np.abs(decoded[0, :, 0].astype(int) - values[0] / 257).max() <= 1


def test_twelve_bit_grey_is_not_left_dark():
    values = np.linspace(0, 4095, 64, dtype=np.uint16)[None].repeat(10, 0)
    assert decode_photo(encoded(values, "TIFF")).max() == 255


@pytest.mark.filterwarnings("error")
def test_float_tiffs_are_scaled_and_survive_nan():
    values = np.linspace(-1, 1, 100, dtype=np.float32).reshape(10, 10)
    values[0, :3] = np.nan, np.inf, -np.inf
    decoded = decode_photo(encoded(values, "TIFF"))
    assert decoded[0, :3, 0].tolist() == [0, 255, 0]
    assert decoded[-1, -1].min() == 255
    assert (np.diff(decoded[1:, :, 0].ravel().astype(int)) >= 0).all()
    with pytest.raises(PhotoError, match="no finite numbers"):
        decode_photo(encoded(np.full((10, 10), np.nan, np.float32), "TIFF"))


def test_colour_profiles_are_followed_and_broken_ones_ignored():
    image = gradient()
    image[:, :30] = 0
    transparent = np.dstack([image, np.full((40, 60), 255, np.uint8)])
    transparent[:, :30] = (255, 255, 255, 0)
    for picture in (image, transparent):
        followed = decode_photo(encoded(picture, icc_profile=swapped_profile()))
        assert np.abs(followed[..., ::-1].astype(int) - image).max() <= 3
        assert (decode_photo(encoded(picture, icc_profile=b"nonsense")) == image).all()


def test_lab_looks_like_itself():
    spaces = [ImageCms.createProfile(name) for name in ("sRGB", "LAB")]
    lab = ImageCms.profileToProfile(Image.fromarray(gradient()), *spaces, outputMode="LAB")
    difference = decode_photo(encoded(lab, "TIFF")).astype(int) - gradient()
    assert np.abs(difference).mean() < 8


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_large_photos_are_averaged_to_what_is_enough(kind):
    image = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    content = encoded(image.repeat(4, 0).repeat(4, 1), kind)  # 1600 × 1200
    small = decode_photo(content, enough=300)
    assert small.shape == image.shape
    assert np.abs(small.astype(int) - image).mean() < (1 if kind == "PNG" else 8)
    assert decode_photo(content, enough=None).shape == (1200, 1600, 3)
    assert min(decode_photo(content).shape[:2]) >= 512
    assert min(decode_photo(content, enough=700).shape[:2]) >= 700


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_broken_notes_about_a_picture_do_not_spoil_it():
    content = encoded(gradient(), exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff broken")
    assert (decode_photo(content) == gradient()).all()


def test_polyglots_are_the_picture_they_begin_with():
    content = encoded(gradient()) + b"PK\3\4<script>alert(1)</script>"
    assert (decode_photo(content) == gradient()).all()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "PPM"])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_damage_of_any_sort_gives_a_picture_or_a_photo_error(kind):
    rng = np.random.default_rng(0)
    content = np.frombuffer(encoded(gradient(), kind), np.uint8)
    for _ in range(60):
        damaged = content[: rng.integers(1, len(content) + 1)].copy()
        places = rng.integers(0, len(damaged), rng.integers(0, 6))
        damaged[places] = rng.integers(0, 256, len(places))
        try:
            image = decode_photo(damaged.tobytes())
        except PhotoError:
            continue
        assert image.dtype == np.uint8
        assert image.ndim == 3


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"just text, whatever its name says", "not a picture of a known kind"),
        (b"<svg onload='alert(1)'></svg>", "SVG"),
        (b"%PDF-1.7 ...", "PDF"),
        (encoded(gradient(), "EPS"), "not a picture of a known kind"),
        (encoded(gradient(), "ICO"), "not a picture of a known kind"),
        (b"\0\0\0\x18ftypheic" + b"\0" * 40, "HEIC"),
        (encoded(gradient(), "JPEG")[:-60], "damaged or cut off"),
        (encoded(gradient(2000, 3000), "JPEG")[:9_000], "damaged or cut off"),
        (encoded(gradient(), "JPEG")[:20], "damaged or cut off"),
        (encoded(gradient())[:120], "damaged or cut off"),
        (encoded(gradient(), "TIFF")[:60], "TIFF is damaged or of a rare kind"),
        (tiff({258: 32, 339: 3}), "TIFF is damaged or of a rare kind"),
        (tiff({258: 16}, pixels=b"\xff\x0f" * 30_000), "16 bits a channel, .* export it with 8"),
        (tiff({}, kinds={273: 5}), "damaged or cut off"),
        (tiled_bomb(20_000), "TIFF is damaged or of a rare kind"),
        (bomb(20_000, 20_000), "more than 50 million pixels"),
        (bomb(8_000, 8_000), "8000×8000.*50 million pixels"),
        (encoded(np.zeros((1, 1, 3), np.uint8)), "1×1 pixels; each side needs at least 8"),
        (encoded(np.zeros((10_000, 1, 3), np.uint8)), "1×10000 pixels"),
    ],
    ids=lambda value: value.split()[0] if isinstance(value, str) else "",
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_what_cannot_be_used_says_why_in_one_line(tmp_path, content, message):
    path = tmp_path / "photo.png"
    path.write_bytes(content)
    for source in (content, path):
        with pytest.raises(PhotoError, match=message) as error:
            decode_photo(source)
        assert "\n" not in str(error.value)
        assert str(tmp_path) not in str(error.value)


def test_colour_of_16_bits_is_read_by_its_upper_8():
    content = tiff({258: 16}, pixels=struct.pack("<3H", 65_535, 32_768, 256) * 10_000)
    assert (decode_photo(content) == (255, 128, 1)).all()


def test_files_over_the_limit_are_not_even_read_whole(tmp_path):
    path = tmp_path / "big.bmp"
    path.write_bytes(encoded(gradient(), "BMP") + b"\0" * 5_000_000)
    with pytest.raises(PhotoError, match="larger than 1 MB"):
        decode_photo(path, max_bytes=1_000_000)
    with pytest.raises(PhotoError, match="cannot be opened"):
        decode_photo(tmp_path / "nowhere.png")
    with pytest.raises(PhotoError, match="cannot be opened"):
        decode_photo("path\0like")


@pytest.mark.parametrize("limit", [None, 1_000, 90_000_000, 10**9])
@pytest.mark.filterwarnings("error")
def test_limits_hold_whatever_others_make_of_pillows(monkeypatch, limit):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    for side in (8_000, 10_000, 20_000):
        with pytest.raises(PhotoError, match="more than 50 million pixels"):
            decode_photo(bomb(side, side))


def test_threads_do_not_disturb_each_other():
    def attempt(number):
        if number % 2:
            return decode_photo(encoded(gradient()))
        with pytest.raises(PhotoError):
            decode_photo(bomb(20_000, 20_000))
        return gradient()

    with ThreadPoolExecutor(8) as pool:
        assert all((image == gradient()).all() for image in pool.map(attempt, range(80)))


@pytest.mark.parametrize("shape", [(40, 60), (60, 40), (50, 50), (8, 200)])
@pytest.mark.parametrize("mode", ["crop", "pad"])
@pytest.mark.parametrize("background", photos.BACKGROUNDS)
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


@pytest.mark.parametrize("shape", [(30, 60), (60, 30), (300, 600)])
@pytest.mark.parametrize("mode", ["crop", "pad"])
def test_background_goes_whatever_the_frame(shape, mode):
    height, width = shape
    image = np.full((*shape, 3), (200, 210, 220), dtype=np.uint8)
    image[height // 3 : -height // 3, width // 3 : -width // 3] = (180, 20, 20)
    cut = to_model_input(image, mode=mode, background="border")
    assert cut[..., 2].max() <= 60
    assert cut[32, 32].tolist() == [180, 20, 20]
    kept = to_model_input(image, mode=mode, background="border", tolerance=0)
    assert (kept == cut).mean() > 0.95


def test_tolerance_decides_how_much_is_background():
    image = gradient()
    shares = [remove_background(image, tolerance)[1].mean() for tolerance in (0, 60, 150, 441)]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > 0.9
    assert shares[-1] == 0


@pytest.mark.parametrize("seed", range(3))
def test_an_object_is_cut_out_of_a_background_of_many_colours(seed):
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:96, :128]
    truth = (y - 48) ** 2 + (x - 64) ** 2 < 28**2
    image = np.where((x // 16 % 2)[..., None], (30, 90, 40), (60, 60, 160))
    image = np.where(truth[..., None], np.where((y % 8 < 4)[..., None], (220, 60, 40), 230), image)
    image = np.clip(image + rng.normal(0, 8, image.shape), 0, 255).astype(np.uint8)
    cut, foreground = cut_out(image)
    overlap = (foreground & truth).sum() / (foreground | truth).sum()
    assert overlap > 0.9
    assert cut[~foreground].max() == 0
    assert (cut[foreground] == image[foreground]).all()
    assert remove_background(image)[1].mean() > 0.5  # where one colour is not enough


@pytest.mark.parametrize("shape", [(8, 8), (8, 200), (64, 64), (128, 1), (2, 256)])
def test_something_is_left_and_something_goes_even_of_a_plain_picture(shape):
    _, foreground = cut_out(np.full((*shape, 3), 128, np.uint8))
    assert foreground.any()
    assert not foreground.all()


def test_pictures_of_another_kind_are_refused():
    for image in (np.zeros((8, 8, 3)), np.zeros((8, 8), np.uint8), np.zeros((0, 8, 3), np.uint8)):
        for function in (square, remove_background, cut_out, to_model_input):
            with pytest.raises(ValueError, match=r"expected uint8 \(H, W, 3\)"):
                function(image)


def test_examples_from_missing_packages_are_left_out(monkeypatch):
    monkeypatch.setattr(photos, "find_spec", lambda package: None)
    assert example_photos() == []


def test_there_are_example_photos():
    examples = example_photos()
    assert len(examples) >= 4
    for name, image in examples:
        assert name
        assert image.ndim == 3
        assert min(image.shape[:2]) >= 64


def repeated_scans(content, times):
    """A progressive JPEG with its last scan repeated: valid, small, and slow to read."""
    start = content.rindex(b"\xff\xda")
    return content[:start] + content[start:-2] * times + content[-2:]


def test_scans_of_a_jpeg_are_counted():
    plain, progressive = encoded(gradient(), "JPEG"), encoded(gradient(), "JPEG", progressive=True)
    assert photos.count_scans(plain, 100) == 1
    assert photos.count_scans(progressive, 100) == 10
    assert photos.count_scans(repeated_scans(progressive, 7), 100) == 16
    assert photos.count_scans(repeated_scans(progressive, 1000), 20) == 21


def test_a_thumbnail_in_the_notes_is_no_scan():
    exif = Image.Exif()
    exif[0x010E] = encoded(gradient(), "JPEG", progressive=True).decode("latin-1")
    assert photos.count_scans(encoded(gradient(), "JPEG", exif=exif), 100) == 1


def test_a_jpeg_of_very_many_scans_is_refused_before_it_is_decoded(monkeypatch):
    content = repeated_scans(encoded(gradient(), "JPEG", progressive=True), 100)
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("decoded"))
    with pytest.raises(PhotoError, match="more than 64 scans, the limit at 60×40"):
        decode_photo(content)


def test_a_jpeg_that_says_it_holds_several_pictures_is_counted_too():
    """To Pillow it is an MPO, and no JPEG."""
    first, target = Image.fromarray(gradient()), io.BytesIO()
    first.save(target, "MPO", save_all=True, append_images=[first], progressive=True)
    with Image.open(target) as image:
        assert image.format == "MPO"
    assert decode_photo(target.getvalue()).shape == gradient().shape
    start = target.getvalue()
    scan = start.index(b"\xff\xda")
    with pytest.raises(PhotoError, match="more than 64 scans"):
        decode_photo(start[:scan] + start[scan : start.index(b"\xff\xd9")] * 100 + start[scan:])


def test_a_jpeg_of_empty_segments_is_not_walked_for_ever(monkeypatch):
    content = encoded(gradient(), "JPEG")
    monkeypatch.setattr(Image, "open", lambda *_, **__: pytest.fail("opened"))
    with pytest.raises(PhotoError):
        decode_photo(content[:2] + b"\xff\xfe\x00\x02" * 100_000 + content[2:])
