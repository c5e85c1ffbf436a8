"""Errors a user can mend. Each message says what was wrong, what was expected, what to do."""


class DvizError(Exception):
    """Base of everything that scripts print as one line and the app shows as a toast."""


class DatasetError(DvizError):
    """A dataset is missing or broken."""


class CheckpointError(DvizError):
    """A checkpoint folder or Hub repository is missing, incomplete or not one of ours."""


class PhotoError(DvizError):
    """An uploaded file cannot be used as a picture."""


class PhotoLimitError(PhotoError):
    """A picture is beyond a bound of `dviz.limits`; made of a message and the bound's name."""

    def __str__(self) -> str:
        return str(self.args[0])

    @property
    def limit(self) -> str:
        """The bound's name, e.g. "photo_bytes"."""
        return str(self.args[1])


class DataFileError(DvizError):
    """A file of codes or labels cannot be read or does not fit the others."""


class TrainingError(DvizError):
    """A run cannot start or go on: its folder is taken, its disk full, an option not installed."""


class SpaceError(DvizError):
    """What was to become a Hugging Face Space is incomplete or would not start."""


class NotInstalledError(DvizError):
    """Something needs a library that comes with an extra which is not installed."""
