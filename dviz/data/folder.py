"""Your own images: a folder or zip of pictures, with or without labels.csv.

labels.csv has a header, `image` and then one column for each factor, and a row for every image. It
says which images there are: pictures it does not name are left out. An empty cell is a label that
is not known. A column `photograph` is no factor but says which images belong together. Without
labels.csv every picture is taken and there are no factors: such a dataset can be fine-tuned on and
encoded, but not scored.
"""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

import numpy as np

from dviz.data.info import YOUR_FOLDER, DatasetInfo
from dviz.data.labels import composed, read_labels
from dviz.data.numbers import Span, widest
from dviz.data.photos import DARK, MAX_BYTES, decode_photo, span_of_photo, to_model_input
from dviz.data.root import data_root
from dviz.data.table import TableDataset
from dviz.errors import DatasetError, PhotoError, PhotoLimitError
from dviz.factors import FactorSpace
from dviz.limits import PREFIX

LABELS = "labels.csv"
SUFFIXES = frozenset(
    (".png", ".jpg", ".jpeg", ".jfif", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm", ".pgm")
)
_OTHERS = "heic heif avif jp2 svg dng cr2 cr3 nef arw raf dcm nii czi nd2 lif lsm svs ndpi npy npz"
UNREAD = frozenset(f".{kind}" for kind in _OTHERS.split())
MAX_LABEL_BYTES = 50_000_000
MENTIONED = 50  # pictures that cannot be read
Opened = Callable[[], IO[bytes]]
UNREADABLE = (OSError, zipfile.BadZipFile, zlib.error, RuntimeError)  # damaged, or locked


class Folder(TableDataset):
    """A folder or zip of one's own: "folder:" and its name.

    Pictures are cut to their middle square and resized to 64×64 when the dataset is loaded. Those
    of more than 8 bits are made grey by one scale, that of all of them.

    Args:
        root: the folder or zip itself; or, where `name` is given, also the folder it lies in.
        name: what the folder or zip is called, without `.zip`; or a path to it.

    Raises:
        DatasetError: the folder, labels.csv or a picture is missing or broken.
    """

    name = "folder"
    info = DatasetInfo(
        name=name,
        title="Your folder",
        description="Any folder or zip of images, with a labels.csv or without.",
        needs_files=True,
        photographs=True,
        origin=YOUR_FOLDER,
        licence="yours",
        citation="",
        url="",
        factors_known=False,
    )

    def __init__(self, root: str | Path | None = None, name: str | None = None) -> None:
        path = _find(root, name)
        self.name = f"{type(self).name}:{_called(path)}"
        self.info = replace(self.info, name=self.name, title=self.name.partition(":")[2])
        with _Pictures(path) as pictures:
            if pictures.labels is None:
                names, space = pictures.names, FactorSpace([])
                table, photographs = np.empty((len(names), 0), dtype=np.int64), None
            else:
                told = read_labels(pictures.labels, f"{LABELS} in {path}")
                names, space, table, photographs = told
                pictures.check(names)
            if not names:
                raise DatasetError(
                    f"{path} holds no images; put PNG, JPEG, WebP, GIF, BMP or TIFF files there"
                    + "".join(f" ({remark})" for remark in pictures.unread(names))
                )
            super().__init__(space, table, photographs)
            self._images = pictures.decode(names)
            self.remarks = (
                *pictures.left_out(names),
                *pictures.unread(names),
                *_grouping(photographs),
                *_darkness(self._images),
            )

    @property
    def content(self) -> str:
        told = [(factor.name, factor.values) for factor in self.space.factors]
        digest = hashlib.blake2b(repr(told).encode(), digest_size=8)
        digest.update(np.ascontiguousarray(self.table).data)
        digest.update(self._images.data)
        return digest.hexdigest()

    @property
    def pictures(self) -> str:
        every = sorted(hashlib.blake2b(image, digest_size=8).digest() for image in self._images)
        return f"{len(every)} ({hashlib.blake2b(b''.join(every), digest_size=4).hexdigest()})"

    def images(self, indices: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
        return self._images[indices]


def _grouping(photographs: np.ndarray | None) -> list[str]:
    """What is to be said of images (N,) that belong together."""
    if photographs is None:
        return []
    return [
        f"column photograph: {len(photographs):,} images belong to {photographs.max() + 1:,} "
        "photographs; each of these trains a probe or tests it as a whole"
    ]


def _darkness(images: np.ndarray) -> list[str]:
    """What is to be said of images uint8 (N, H, W, 3) that use hardly any of their levels."""
    brightest = int(images.max())
    if brightest >= DARK:
        return []
    return [
        f"the brightest pixel of all pictures is {brightest} of 255, so next to nothing is seen; "
        "stretch their contrast, all by the same scale, and export with 8 bits"
    ]


def _find(root: str | Path | None, name: str | None) -> Path:
    """Where the folder or zip lies."""
    base = data_root(root)
    if name is None:
        if root is None:
            raise DatasetError(
                "which folder? name it with --data-root PATH, or as the dataset folder:PATH"
            )
        places = [base]
    elif root is not None and name in (base.resolve().name, _called(base.resolve())):
        places = [base]
    else:
        path = Path(name).expanduser()
        beside = sorted((base / path).parent.glob("*.[zZ][iI][pP]"))
        zips = [found for found in beside if found.stem == path.name]  # photos.ZIP too
        places = [base / path, *(zips or [base / f"{name}.zip"]), path]
    for place in places:
        if place.is_dir() or place.is_file():
            return place.resolve()
    raise DatasetError(
        f"there is no {' or '.join(map(str, places))}; name the folder or zip with --data-root PATH"
    )


def _called(path: Path) -> str:
    """A folder's name, or a zip's without its suffix."""
    return path.stem if path.is_file() else path.name


def is_own_folder(name: str) -> bool:
    """Whether a dataset's name, "folder" or "folder:NAME", is that of somebody's own pictures."""
    return name.partition(":")[0] == Folder.name


class _Pictures:
    """The files of a folder or zip by their relative names, composed (NFC).

    Nothing is ever unpacked to disk.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._archive: zipfile.ZipFile | None = None
        self._files = _without_top(self._listed() if path.is_dir() else self._packed())
        # Some name it Labels.csv; labels.csv itself comes last.
        tables = sorted(name for name in self._files if name.lower() == LABELS)
        self.labels = self._text(tables[-1]) if tables else None
        self.names = [k for k in self._files if _suffix(k) in SUFFIXES]

    def __enter__(self) -> _Pictures:
        return self

    def __exit__(self, *_: object) -> None:
        if self._archive:
            self._archive.close()

    def check(self, names: list[str]) -> None:
        """Raise DatasetError unless every image named in labels.csv is there."""
        missing = [name for name in names if name not in self._files]
        if missing:
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            near = next((k for k in self.names if _loosely(k) == _loosely(missing[0])), None)
            raise DatasetError(
                f"{missing[0]}{more}, named in {LABELS}, is not in {self.path}; "
                + (f"{near} is: write names as the files have them, " if near else "")
                + "add the image or take its line away"
            )

    def left_out(self, names: list[str]) -> list[str]:
        """What is not among the images of these names and may be missed, in words."""
        told, count = [], len({*self.names} - {*names})
        if count:
            what = "1 picture" if count == 1 else f"{count:,} pictures"
            told.append(
                f"left out: {what} without a line in {LABELS}; to learn from all, give every "
                "picture a line, its cells empty where nothing is known"
            )
        deeper = [k for k in self._files if PurePosixPath(k).name.lower() == LABELS and "/" in k]
        if deeper:
            told.append(
                f"{deeper[0]} is passed over; one {LABELS} counts, at the top, with names such as "
                f"{PurePosixPath(deeper[0]).with_name('000.jpg')}"
            )
        return told

    def unread(self, names: list[str]) -> list[str]:
        """What is said of pictures of kinds that are not read, but for those of these names."""
        others = [_suffix(k) for k in {*self._files} - {*names}]
        kinds = [f"{others.count(kind):,} {kind}" for kind in sorted(UNREAD & {*others})]
        return [f"left out: {', '.join(kinds)}, not read here; export as PNG"] if kinds else []

    def decode(self, names: list[str]) -> np.ndarray:
        """The pictures as models see them, uint8 (N, 64, 64, 3).

        Raises:
            DatasetError: some cannot be read; they are named with the reason.
        """
        images = np.empty((len(names), 64, 64, 3), dtype=np.uint8)
        spans: dict[int, Span] = {}
        together: Span | None = None

        def work(row: int) -> tuple[str, str] | None:
            """What is wrong with a picture, and its name."""
            try:
                content = self._read(names[row])
                own = None if together else span_of_photo(content)
                if own:  # comparable with the others once all are known
                    spans[row] = own
                else:
                    photo = decode_photo(content, enough=128, span=together)
                    images[row] = to_model_input(photo)
            except PhotoLimitError as error:
                return f"{error}, or raise {PREFIX}{error.limit.upper()}", names[row]
            except (PhotoError, *UNREADABLE) as error:
                return str(error), names[row]
            return None

        with ThreadPoolExecutor(2) as pool:
            broken = list(filter(None, pool.map(work, range(len(names)))))
            if spans:
                together = widest(spans.values())
                broken += filter(None, pool.map(work, sorted(spans)))
        if broken:
            raise DatasetError(
                f"{len(broken)} of {len(names)} pictures in {self.path} cannot be read: "
                f"{_by_reason(broken)}. Mend them, or "
                + (f"take their lines out of {LABELS}" if self.labels else "remove them")
            )
        return images

    def _read(self, name: str) -> bytes:
        """A file's content, but no more of it than would be refused for its size."""
        with self._files[name]() as file:
            return file.read(max(MAX_BYTES, MAX_LABEL_BYTES) + 1)

    def _listed(self) -> dict[str, Opened]:
        """The files of a folder."""
        files = (file for file in sorted(self.path.rglob("*")) if file.is_file())
        return {composed(file.relative_to(self.path).as_posix()): _opened(file) for file in files}

    def _packed(self) -> dict[str, Opened]:
        """The files of a zip, which stays open."""
        try:
            self._archive = archive = zipfile.ZipFile(self.path)
        except (zipfile.BadZipFile, OSError) as error:
            raise DatasetError(
                f"{self.path} is neither a folder nor a whole zip ({error}); pack it again"
            ) from error
        files = {_name_of(info): info for info in archive.infolist() if not info.is_dir()}
        for name in sorted(files):
            if ".." in PurePosixPath(name.replace("\\", "/")).parts or name.startswith(("/", "\\")):
                raise DatasetError(f"{self.path} holds {name!r}, outside of itself; pack it again")
        return {name: partial(archive.open, files[name]) for name in sorted(files)}

    def _text(self, name: str) -> str:
        try:
            content = self._read(name)
        except UNREADABLE as error:
            raise DatasetError(f"{LABELS} in {self.path} cannot be read ({error})") from error
        if len(content) > MAX_LABEL_BYTES:
            raise DatasetError(f"{LABELS} in {self.path} is larger than 50 MB")
        wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))  # as some spreadsheets save
        try:
            return content.decode("utf-16" if wide else "utf-8-sig")
        except UnicodeDecodeError as error:
            raise DatasetError(
                f"{LABELS} in {self.path} is not UTF-8; save it as CSV UTF-8"
            ) from error


def _opened(file: Path) -> Opened:
    return lambda: file.open("rb")


def _without_top(files: dict[str, Opened]) -> dict[str, Opened]:
    """The files that are not hidden, by their names without a folder that holds all of them."""
    visible = [name for name in files if not _hidden(name)]
    tops = {name.partition("/")[0] for name in visible}
    inside = len(tops) == 1 and all("/" in name for name in visible)
    return {name.partition("/")[2] if inside else name: files[name] for name in visible}


def _by_reason(broken: list[tuple[str, str]]) -> str:
    """Reasons and names of pictures as one line: "a.png, b.png (the file is empty); …"."""
    reasons: dict[str, list[str]] = {}
    for reason, name in broken[:MENTIONED]:
        reasons.setdefault(reason, []).append(name)
    told = "; ".join(f"{', '.join(names)} ({reason})" for reason, names in reasons.items())
    more = len(broken) - MENTIONED
    return f"{told} and {more} more" if more > 0 else told


def _name_of(info: zipfile.ZipInfo) -> str:
    if not info.flag_bits & 0x800:  # Macs pack names in UTF-8 and do not say so
        with suppress(UnicodeError):
            return composed(info.filename.encode("cp437").decode("utf-8"))
    return composed(info.filename)


def _loosely(name: str) -> str:
    """A picture's name without what is often written otherwise: folder, suffix, capitals."""
    path = PurePosixPath(name)
    return (path.stem if _suffix(name) in SUFFIXES else path.name).casefold()


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _hidden(name: str) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in PurePosixPath(name).parts)
