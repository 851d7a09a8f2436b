"""Where cells run: in this process, in others of this computer, on a Dask cluster, or as Slurm jobs.

Other computers need this tree, its environment, the images and the results folder at the same paths. Workers of
Dask have one thread each (`dask worker --nthreads 1`): Keras keeps one seed per process.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any

from bench import provenance
from bench.errors import BenchError

FORMS = "local, local:PROCESSES, dask:ADDRESS or slurm:PARTITION"
DEFAULT = "local"
JOBS = 64  # in Slurm's queue at a time
HOURS = 12  # a job may take


@contextmanager
def executor(text: str) -> Iterator[Executor | None]:
    """The executor that a command line names. None: one cell after the other in this process, for `local`.

    Raises BenchError for another name, an absent extra or a cluster that does not answer.
    """
    check(text)
    kind, _, where = text.partition(":")
    if kind == "local":
        if not where:
            yield None
            return
        with ProcessPoolExecutor(int(where), get_context("spawn"), _ends_by_ctrl_c) as pool:
            yield pool
    elif kind == "dask":
        with _dask(where) as pool:
            yield pool
    else:
        with Slurm(where) as pool:
            yield pool


def check(text: str) -> str:
    """The same text. Raises BenchError where it names no executor."""
    kind, colon, where = text.partition(":")
    good = {"local": not colon or (where.isdecimal() and int(where) > 0), "dask": bool(where), "slurm": bool(where)}
    if not good.get(kind, False):
        raise BenchError("--executor", expected=FORMS, got=text)
    return text


@contextmanager
def _dask(address: str) -> Iterator[Executor]:
    try:
        from distributed import Client
    except ImportError:
        raise _absent("dask", "distributed") from None
    try:
        client = Client(address, timeout=10)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise BenchError(f"no Dask scheduler at {address} ({error})", do="start one: dask scheduler") from None
    with client:
        yield client.get_executor()  # type: ignore[no-untyped-call]


class Slurm(Executor):
    """One Slurm job per call, by submitit. cluster: "slurm", or "local": as processes of this computer."""

    def __init__(self, partition: str, cluster: str = "slurm") -> None:
        """Raises BenchError without submitit or without Slurm."""
        try:
            import submitit
        except ImportError:
            raise _absent("slurm", "submitit") from None
        path = provenance.cache("slurm")
        try:
            self._jobs = submitit.AutoExecutor(folder=path / "%j", cluster=cluster)
        except RuntimeError as error:
            raise BenchError(f"no Slurm here ({error})", do="run this where sbatch is") from None
        setup = [f"export PYTHONPATH={provenance.ROOT}"]
        self._jobs.update_parameters(
            name="agilenn-bench", timeout_min=60 * HOURS, slurm_partition=partition, slurm_setup=setup
        )
        self._waiting = ThreadPoolExecutor(JOBS)  # a thread per job that waits for its end
        self._sent: list[Any] = []

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """After an error or Ctrl-C nobody waits for the jobs: they are cancelled."""
        if kind:
            self.shutdown(wait=False, cancel_futures=True)
            for job in self._sent:
                job.cancel()
        self.shutdown()

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        """Waits for a place in the queue, then for the job."""

        def run() -> Any:
            job = self._jobs.submit(function, *arguments, **named)
            self._sent.append(job)
            return job.result()

        return self._waiting.submit(run)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Jobs that are in the queue stay there."""
        self._waiting.shutdown(wait, cancel_futures=cancel_futures)


def _absent(extra: str, package: str) -> BenchError:
    return BenchError(f"--executor {extra} needs the package {package}", do=f"install it: pip install {package}")


def _ends_by_ctrl_c() -> None:
    """A worker ends silently: the process that started it says what there is to say."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    signal.signal(signal.SIGINT, signal.SIG_DFL)
