"""Files made to hurt: pictures, tables and archives that are small to send and large to read."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from typing import Any

import numpy as np
from PIL import Image

SIDE = 7_000  # 49 million pixels, just within the limit
WEBP_SIDE = 4_990
COLOUR = (10, 20, 30)


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def scans(side: int, times: int) -> bytes:
    """A progressive JPEG whose last scan comes again and again."""
    content = saved(Image.new("RGB", (side, side), COLOUR), "JPEG", progressive=True)
    start = content.rindex(b"\xff\xda")
    return content[:start] + content[start:-2] * times + content[-2:]


def claimed_png(width: int, height: int) -> bytes:
    """A tiny PNG that claims to be huge."""
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    parts = (b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*part) for part in parts)


def text_png() -> bytes:
    """A PNG with a note that unpacks to 200 MB."""
    plain = saved(Image.new("RGB", (64, 64)), "PNG")
    note = _chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(200_000_000), 9))
    return plain[:33] + note + plain[33:]


def _chunk(kind: bytes, data: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + checksum


def frames(kind: str, count: int, side: int) -> bytes:
    images = [Image.new("RGB", (side, side), (n % 256, 0, 0)) for n in range(count)]
    return saved(images[0], kind, save_all=True, append_images=images[1:])


def tiled_tiff() -> bytes:
    """A TIFF of 64 × 64 pixels whose one tile claims 60 000 × 60 000."""
    tags = {256: 64, 257: 64, 258: 8, 259: 1, 262: 1, 277: 1, 322: 60_000, 323: 60_000, 324: 8}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(tags)) + entries + bytes(100)


def pictures() -> dict[str, bytes]:
    """By what they are."""
    large = Image.new("RGB", (SIDE, SIDE), COLOUR)
    clear = Image.new("RGBA", (WEBP_SIDE, WEBP_SIDE), (*COLOUR, 5))
    return {
        "progressive JPEG, 200 scans over 49 Mpx": scans(SIDE, 190),
        "progressive JPEG, 60 scans over 8 Mpx": scans(2_820, 50),
        "JPEG of 100 000 empty segments": b"\xff\xd8" + b"\xff\xfe\0\2" * 100_000,
        "PNG, 49 Mpx": saved(large, "PNG"),
        "PNG with alpha, 49 Mpx": saved(Image.new("RGBA", (SIDE, SIDE)), "PNG"),
        "PNG, 400 Mpx of one bit": saved(Image.new("1", (20_000, 20_000)), "PNG"),
        "PNG that claims 3.6 Gpx": claimed_png(60_000, 60_000),
        "PNG with a note of 200 MB": text_png(),
        "PNG of 8 × 6 000 000": saved(Image.new("L", (8, 6_000_000)), "PNG"),
        "WebP with alpha, 25 Mpx": saved(clear, "WEBP", method=0),
        "WebP without loss, 25 Mpx": saved(clear, "WEBP", lossless=True, method=0),
        "WebP, 49 Mpx": saved(large, "WEBP", method=0),
        "WebP of 500 frames": frames("WEBP", 500, 64),
        "GIF of 2 000 frames": frames("GIF", 2_000, 64),
        "GIF, 49 Mpx": saved(Image.new("P", (SIDE, SIDE)), "GIF"),
        "TIFF, 49 Mpx, LZW": saved(large, "TIFF", compression="tiff_lzw"),
        "TIFF of floats, 49 Mpx": saved(
            Image.new("F", (SIDE, SIDE)), "TIFF", compression="tiff_adobe_deflate"
        ),
        "TIFF of CMYK, 49 Mpx": saved(
            Image.new("CMYK", (SIDE, SIDE)), "TIFF", compression="tiff_adobe_deflate"
        ),
        "TIFF with a tile of 3.6 Gpx": tiled_tiff(),
        "JPEG with a profile of 10 MB": saved(
            Image.new("RGB", (64, 64)), "JPEG", icc_profile=bytes(10_000_000)
        ),
        "JPEG cut off": saved(large, "JPEG")[:200_000],
        "BMP that claims 4 Gpx": b"BM"
        + struct.pack("<IIIIiiHH", 0, 0, 54, 40, 65_000, 65_000, 1, 24),
        "an SVG with a script": b"<svg><script>alert(1)</script></svg>",
        "a pickle called .png": b"\x80\x04\x95\x10.",
        "noise called .jpg": np.random.default_rng(0).bytes(1_000_000),
    }  # fmt: skip


def archive(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    return buffer.getvalue()


def npy(shape: str, kind: str = "<f4", data: bytes = b"") -> bytes:
    """An array file whose header says what it likes."""
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}}}"
    header = header.ljust(118 - 1) + "\n"
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header.encode() + data


def tables() -> dict[str, list[tuple[str, bytes]]]:
    """By what they are: files as the tab of one's own data takes them."""
    labels = b"a,b\n" + b"1,2\n2,1\n" * 200
    zeros = npy("(1000000, 100)", data=bytes(400_000_000))
    rows = "\n".join(f"0.1,{n}" for n in range(20_000)).encode()

    def with_codes(content: bytes) -> list[tuple[str, bytes]]:
        return [("codes.npz", content), ("labels.csv", labels)]

    return {
        "CSV of 5 million cells": [("t.csv", b"z0,a\n" + b"1,2\n" * 2_500_000)],
        "CSV of 100 000 columns": [("t.csv", b"z0," + b"a," * 100_000 + b"b\n")],
        "CSV with 20 000 values of a factor": [("t.csv", b"z0,a\n" + rows)],
        "CSV with a word of 15 MB": [("t.csv", b"z0,a\n1," + b"x" * 15_000_000 + b"\n1,y\n")],
        "CSV of one line": [("t.csv", b"," * 15_000_000)],
        "CSV of quotes": [("t.csv", b'z0,a\n1,"' + b'""' * 5_000_000)],
        "CSV of NUL": [("t.csv", bytes(10_000_000))],
        "CSV in UTF-16": [("t.csv", "z0,a\n1,2\n".encode("utf-16") * 10_000)],
        "npz that unpacks to 400 MB": with_codes(archive({"mean.npy": zeros})),
        "npz of 50 000 members": with_codes(archive({f"{n}.npy": b"" for n in range(50_000)})),
        "npz whose header claims 4 TB": with_codes(
            archive({"mean.npy": npy("(1000000, 1000000)", data=bytes(1000))})
        ),
        "npz of Python objects": with_codes(archive({"mean.npy": npy("(3,)", "|O", b"\x80\4.")})),
        "npz with a header of 60 kB": with_codes(
            archive({"mean.npy": b"\x93NUMPY\2\0" + struct.pack("<I", 60_000) + b"(" * 60_000})
        ),
        "npz cut off": with_codes(archive({"mean.npy": npy("(400, 3)", data=bytes(4800))})[:500]),
        "codes of infinity": with_codes(
            archive({"mean.npy": npy("(400, 3)", data=b"\0\0\x80\x7f" * 1200)})
        ),
        "4 million codes of 400 equal labels": with_codes(
            archive({"mean.npy": npy("(400, 10000)", data=bytes(16_000_000))})
        ),
        "three tables at once": [(f"{n}.csv", b"z0,a\n1,2\n") for n in range(3)],
    }
