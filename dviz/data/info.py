"""What is known of a dataset before it is loaded: where it comes from, and on what terms."""

from __future__ import annotations

from dataclasses import dataclass

OFFICIAL = "official file"
TWIN = "procedural twin"
PHOTOGRAPHS = "photographs"
YOUR_FOLDER = "your folder"


@dataclass(frozen=True)
class RemoteFile:
    """A file of a dataset on its public home.

    Attributes:
        url: where it is fetched from.
        path: where it belongs, relative to the data folder.
        size: bytes, where published.
        checksum: "md5:…" or "sha256:…", where published.
        unpack: a tar archive whose content belongs into the folder that `path` lies in.
    """

    url: str
    path: str
    size: int | None = None
    checksum: str | None = None
    unpack: bool = False


@dataclass(frozen=True)
class Split:
    """How a sample of a dataset whose images are not independent is divided into what trains a
    probe and what tests it.

    Attributes:
        photograph: the factors whose values together name a photograph: what was made of it, turned
            and zoomed, all trains or all tests.
        arc: the factor that goes around an object; a third of its circle can be held out.
    """

    photograph: tuple[str, ...]
    arc: str

    def __str__(self) -> str:
        return (
            f"by photograph ({', '.join(self.photograph)}), and with a third of {self.arc} held out"
        )


@dataclass(frozen=True)
class DatasetInfo:
    """A dataset as `dviz download --list` shows it.

    Attributes:
        name: what `load_dataset` calls it; title: what people call it.
        description: one sentence.
        needs_files: whether it cannot be had without files; else its images are drawn.
        photographs: whether its images were taken by a camera.
        noisy: whether it is another dataset, with the same factors, before noise.
        on_black: whether an image shows one object on plain black, which tells the two apart.
        origin: where its images come from. Of a dataset that is drawn where its official file is
            not there, what is drawn; what loading found is in the info of the loaded one.
        licence, citation, url: terms of the official data, whom to thank, and its home.
        split: how a sample of it is split for probes; None: row by row.
        factors_known: whether its factors are known before it is loaded.
        looked_for: the files or folders that make it official, relative to the data folder; the
            first that is there counts.
        files: what `dviz download` fetches.
    """

    name: str
    title: str = ""
    description: str = ""
    needs_files: bool = False
    licence: str = ""
    citation: str = ""
    url: str = ""
    photographs: bool = False
    noisy: bool = False
    on_black: bool = False
    origin: str = ""
    split: Split | None = None
    factors_known: bool = True
    looked_for: tuple[str, ...] = ()
    files: tuple[RemoteFile, ...] = ()
