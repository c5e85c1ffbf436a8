"""Small data in the official formats, made on the fly."""

import io
import zipfile

import numpy as np
from PIL import Image


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
