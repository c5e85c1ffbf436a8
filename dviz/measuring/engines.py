"""Who does pieces of work: this process, or a Ray cluster."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import dviz
from dviz.errors import DvizError

STARTS = 3


class Engine(Protocol):
    """Who does the work: `submit` begins it, `first` waits for any that is done.

    Attributes:
        workers: pieces at once. by_file: whether large results are better handed on as files.
    """

    workers: int
    by_file: bool

    def submit(self, work: Callable[..., Any], *args: Any) -> Any: ...
    def first(self, running: list[Any]) -> Any: ...
    def result(self, handle: Any) -> Any: ...
    def check(self, handle: Any) -> None: ...
    def close(self) -> None: ...


class Here:
    """This process, one piece after the other."""

    workers = 1
    by_file = False

    def submit(self, work: Callable[..., Any], *args: Any) -> Any:
        return work(*args)

    def first(self, running: list[Any]) -> Any:
        return running[0]

    def result(self, handle: Any) -> Any:
        return handle

    def check(self, handle: Any) -> None:
        pass

    def close(self) -> None:
        pass


class OnRay:
    """A Ray cluster, or one that is started here.

    A piece whose worker dies is done again, and so is what it needs and is lost.

    Args:
        address: of a cluster; None starts one here.
        workers: pieces at once on one that is started here.
        gpus: of them that each piece needs.
        memory: bytes that pieces between two workers may take there; more goes to disk.
    """

    def __init__(
        self,
        address: str | None = None,
        workers: int = 2,
        *,
        gpus: float = 0.0,
        memory: int = 200_000_000,
    ) -> None:
        try:
            import ray
        except ModuleNotFoundError as error:
            raise DvizError(
                "--engine ray needs Ray: pip install '.[scale]' in dviz's folder"
            ) from error
        self._ray, self._own = ray, address is None
        self.by_file = self._own  # Ray would write them to disk, too, with processes for it
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        here: dict[str, Any] = {"num_cpus": workers, "object_store_memory": memory}
        variables = {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(dviz.__file__).parents[1])}
        _begin(
            ray,
            **(here | {"include_dashboard": False} if self._own else {"address": address}),
            runtime_env={"env_vars": variables},
            log_to_driver=False,
            logging_level="error",
        )
        self.workers = max(1, int(ray.cluster_resources().get("CPU", workers)))
        self._tasks: dict[Any, Any] = {}
        self._needs = {"num_cpus": 1, "num_gpus": gpus, "max_retries": 8}

    def submit(self, work: Callable[..., Any], *args: Any) -> Any:
        if work not in self._tasks:
            self._tasks[work] = self._ray.remote(**self._needs)(work)
        return self._tasks[work].remote(*args)

    def first(self, running: list[Any]) -> Any:
        return self._ray.wait(running)[0][0]

    def check(self, handle: Any) -> None:
        """Raise what the piece raised."""
        self.result(handle)

    def result(self, handle: Any) -> Any:
        try:
            return self._ray.get(handle)
        except self._ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, DvizError):
                raise error.cause from None
            raise

    def close(self) -> None:
        self._ray.shutdown()


def _begin(ray: Any, **options: Any) -> None:
    """Start Ray, again where it did not come up: it gives up after 30 s, which a busy machine may
    take.

    Raises:
        DvizError: it does not start.
    """
    for attempt in range(STARTS):
        try:
            ray.init(**options)
            return
        except Exception as error:  # of any kind, and not only of Ray's own
            ray.shutdown()
            if attempt == STARTS - 1:
                words = " ".join(str(error).split())[:200]
                raise DvizError(f"Ray does not start: {words}") from error
