"""Small data in the official formats, made on the fly."""

import gzip
import io
import struct
import zipfile

import numpy as np
from PIL import Image
from scipy.io import savemat


def png(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def write_coil(root):
    """COIL-100 as its zip: of every object one photograph, a bar as bright as its number."""
    with zipfile.ZipFile(root / "coil-100.zip", "w") as archive:
        for number in range(1, 101):
            photo = np.full((128, 128, 3), 30, dtype=np.uint8)
            photo[40:88, 30:98] = 100 + number
            content = png(photo)
            for pose in range(72):
                archive.writestr(f"coil-100/obj{number}__{5 * pose}.png", content)


def write_rgbd(root, categories=("apple", "food_bag"), frames=4):
    """RGB-D Objects: two instances of each category, three camera sequences.

    In every frame a disc on the turntable; the second instance is white, which must not be seen.
    """
    for c, category in enumerate(categories):
        for instance in (10, 2):
            folder = root / "rgbd-dataset" / category / f"{category}_{instance}"
            folder.mkdir(parents=True)
            for sequence in (1, 2, 4):
                for frame in range(1, frames + 1):
                    stem = folder / f"{category}_{instance}_{sequence}_{frame}"
                    write_frame(stem, 255 if instance == 10 else 100 + 10 * c + frame)


def write_frame(stem, shade, height=60, width=90):
    y, x = np.mgrid[:height, :width]
    mask = np.hypot(x - 45, y - 30) < 25
    colour = np.full((height, width, 3), shade, dtype=np.uint8)  # the background too
    depth = np.where(mask, 800 + 4 * (x - 45), 1200).astype(np.uint16)
    depth[30, 45] = 0  # not seen by the sensor
    Image.fromarray(colour).save(f"{stem}_crop.png")
    Image.fromarray(mask.astype(np.uint8) * 255).save(f"{stem}_maskcrop.png")
    Image.fromarray(depth).save(f"{stem}_depthcrop.png")


def write_folder(folder, rows=None, suffix=".png", side=40):
    """Pictures in one of three colours and two brightnesses, and labels.csv with the given rows."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    lines = ["image,colour,level"]
    for i in range(24):
        colour, level = i % 3, i // 3 % 2
        picture = rng.integers(0, 20, (side, side + 10, 3), dtype=np.uint8)
        picture[..., colour] += np.uint8(100 + 100 * level)
        Image.fromarray(picture).save(folder / f"photo{i:02}{suffix}")
        lines.append(f"photo{i:02}{suffix},{('red', 'green', 'blue')[colour]},{5 * level}")
    if rows is not False:
        (folder / "labels.csv").write_text("\n".join(rows or lines) + "\n")
    return folder


def write_sprites(path, frames, sizes, **changes):
    """dSprites' `.npz`: images, labels, and metadata that only unpickling could read."""
    classes = np.stack(np.unravel_index(np.arange(len(frames)), sizes), axis=1)
    arrays = {
        "imgs": frames.astype(np.uint8),
        "latents_classes": np.concatenate([np.zeros((len(frames), 1), int), classes], axis=1),
        "metadata": np.array({"title": "dSprites"}, dtype=object),
    } | changes
    np.savez_compressed(path, **{name: a for name, a in arrays.items() if a is not None})


def write_mpi3d(path, count, compressed=False):
    """MPI3D's archive: image i is as bright as i counted to 251, its green channel i // 251."""
    number = np.arange(count)
    colour = np.stack([number % 251, number // 251 % 251, 0 * number], axis=1).astype(np.uint8)
    images = np.broadcast_to(colour[:, None, None], (count, 64, 64, 3))
    (np.savez_compressed if compressed else np.savez)(path, images=images)


def norb_bytes(array):
    """An array in NORB's binary format."""
    magic = 0x1E3D4C55 if array.dtype == np.uint8 else 0x1E3D4C54
    shape = [*array.shape, *[1] * (3 - array.ndim)]
    return struct.pack(f"<Ii{len(shape)}i", magic, array.ndim, *shape) + array.tobytes()


def write_norb(root, side=4, shuffled=True):
    """SmallNORB's six files, pictures of `side` pixels: as bright as category, azimuth and lighting
    say, the second camera's white. Rows are in no order."""
    parts = (
        ("smallnorb-5x46789x9x18x6x2x96x96-training", (4, 6, 7, 8, 9)),
        ("smallnorb-5x01235x9x18x6x2x96x96-testing", (0, 1, 2, 3, 5)),
    )
    for name, instances in parts:
        values = np.arange(5), instances, np.arange(9), np.arange(18), np.arange(6)
        grid = np.stack(np.meshgrid(*values, indexing="ij"), -1).reshape(-1, 5)
        if shuffled:
            grid = np.random.default_rng(0).permutation(grid)
        grey = (40 * grid[:, 0] + 5 * grid[:, 4] + grid[:, 3]).astype(np.uint8)
        images = np.full((len(grid), 2, side, side), 255, np.uint8)
        images[:, 0] = grey[:, None, None]
        info = grid[:, 1:] * [1, 1, 2, 1]  # azimuths are even numbers
        for kind, array in (("dat", images), ("cat", grid[:, 0]), ("info", info)):
            array = array if kind == "dat" else array.astype("<i4")
            with gzip.open(root / f"{name}-{kind}.mat.gz", "wb", compresslevel=1) as file:
                file.write(norb_bytes(np.ascontiguousarray(array)))


def write_cars(root, numbers=(1, 2, 10)):
    """Cars3D's files: red tells the car, green the azimuth, blue the elevation."""
    folder = root / "data" / "cars"
    folder.mkdir(parents=True)
    for number in numbers:
        images = np.empty((128, 128, 3, 24, 4), np.uint8)
        images[:, :, 0] = 10 * number
        images[:, :, 1] = 5 * np.arange(24)[:, None]
        images[:, :, 2] = 50 * np.arange(4)
        savemat(folder / f"car_{number:03}_mesh.mat", {"im": images}, do_compression=True)
