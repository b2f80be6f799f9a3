"""Run one chapter with papermill, in a process of its own, away from the user's Jupyter and matplotlib settings."""

from __future__ import annotations

import logging
import os
import re
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import active_children, get_context
from pathlib import Path
from typing import Any

import psutil
from jupyter_client.manager import AsyncKernelManager
from traitlets import Unicode, default

from crewe_lib.evidence import collect

_ANSI = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Task:
    """A chapter to run: its name, the notebook as stored in the repository, the one to run, where the executed one
    goes, its parameters and settings."""

    name: str
    stored: Path
    source: Path
    target: Path
    parameters: Mapping[str, Any]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What became of a chapter: its evidence items, or the cell that failed and its traceback."""

    name: str
    seconds: float
    items: tuple[dict[str, Any], ...] = ()
    failed_cell: int | None = None
    error: str = ""
    traceback: str = ""


class LocalKernelManager(AsyncKernelManager):
    """Talks to the kernel over sockets in the file system where it can: no port is opened for others to listen on."""

    transport = Unicode("ipc" if sys.platform.startswith("linux") else "tcp")

    @default("ip")
    def _private_place(self) -> str:
        # The stock default is one name in the current folder, on which chapters running side by side would collide.
        return str(Path(os.environ["JUPYTER_RUNTIME_DIR"]) / "kernel") if self.transport == "ipc" else "127.0.0.1"


def font_cache(scratch: Path) -> Path:
    """Where matplotlib keeps its list of fonts, the one thing that outlives a build, since it is slow to make: the
    user's own cache, or the scratch folder if that cannot be written or belongs to somebody else."""
    given = os.environ.get("XDG_CACHE_HOME", "")
    try:
        place = (Path(given) if Path(given).is_absolute() else Path.home() / ".cache") / "crewe" / "matplotlib"
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        owners = {place.stat().st_uid, place.parent.stat().st_uid}
        if owners == {os.getuid()} and os.access(place, os.W_OK | os.X_OK):
            return place
    except (OSError, RuntimeError):
        pass
    return scratch / "matplotlib"


def kernel_environment(scratch: Path) -> dict[str, str]:
    """Settings under which a chapter gives the same result whoever runs it; `scratch` is private to this build.

    User kernels, start-up files and matplotlib settings are kept out; one thread per chapter, since chapters already
    run side by side.
    """
    folders = {
        "IPYTHONDIR": scratch / "ipython",
        "JUPYTER_CONFIG_DIR": scratch / "jupyter",
        "JUPYTER_DATA_DIR": scratch / "jupyter-data",
        "MPLCONFIGDIR": font_cache(scratch),
    }
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    threads = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "NUMEXPR")}
    plain = {
        "PYTHONNOUSERSITE": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONSTARTUP": "",
        "JUPYTER_PREFER_ENV_PATH": "1",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
    return {name: str(folder) for name, folder in folders.items()} | threads | plain


def run_all(tasks: Sequence[Task], workers: int) -> Iterator[Outcome]:
    """Run chapters side by side, each in a process of its own; outcomes come as chapters end.

    Whatever stops the caller (Ctrl-C too), no process and no scratch of theirs outlives this call.
    """
    with tempfile.TemporaryDirectory(prefix="crewe-") as sockets:  # a short path: socket names are limited
        earlier = set(active_children())
        # Started afresh rather than forked, so that chapters behave alike on Linux and macOS.
        pool = ProcessPoolExecutor(min(workers, len(tasks)), mp_context=get_context("spawn"), initializer=_stand_alone)
        try:
            with _signals_ignored():  # which workers inherit until they stand alone
                futures = {
                    pool.submit(run_chapter, task, str(Path(sockets) / str(number))): task
                    for number, task in enumerate(tasks)
                }
            for future in as_completed(futures):
                try:
                    yield future.result()
                except BrokenProcessPool:
                    error = "its process was ended from outside"
                    yield Outcome(futures[future].name, 0.0, failed_cell=-1, error=error)
        except BaseException:
            _end([worker.pid for worker in active_children() if worker not in earlier and worker.pid])
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def _signals_ignored() -> Iterator[None]:
    """The signals that stop a build wait for nobody; they are only set aside for as long as workers are started."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in STOPPING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


def _stand_alone() -> None:
    """In a worker: Ctrl-C in the terminal is for the builder, which ends its workers itself."""
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def _end(workers: Sequence[int]) -> None:
    """End workers and the kernels under them, at once: what they were doing is thrown away."""
    family, kernels = [], []
    for worker in workers:
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(worker)
            process.suspend()  # so that it starts no other kernel meanwhile
            kernels += (below := process.children(recursive=True))
            family += [process, *below]
    for process in family:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(kernels, timeout=2)


def run_chapter(task: Task, sockets: str) -> Outcome:
    """Execute one chapter. A failing cell, a dead kernel or a time-out is reported in the Outcome, never raised."""
    os.environ.update(task.environment)
    Path(sockets).mkdir(mode=0o700)
    # The connection file, which holds the kernel's key, goes to the folder for temporary files.
    os.environ["JUPYTER_RUNTIME_DIR"] = os.environ["TMPDIR"] = tempfile.tempdir = sockets
    return _run(task)


def _run(task: Task) -> Outcome:
    import nbformat
    import papermill

    for name in ("papermill", "papermill.translators", "traitlets"):
        logging.getLogger(name).setLevel(logging.ERROR)
    began = time.perf_counter()
    cell, error, trace = None, "", ""
    try:
        # Braces in the two paths are doubled, since papermill reads them as fields to fill in.
        papermill.execute_notebook(
            *(re.sub(r"[{}]", r"\g<0>\g<0>", str(path)) for path in (task.source, task.target)),
            parameters=dict(task.parameters),
            kernel_name="python3",
            language="python",
            progress_bar=False,
            log_output=False,
            cwd=str(task.target.parent),
            kernel_manager_class="crewe_lib.execute.LocalKernelManager",
        )
    except papermill.PapermillExecutionError as fault:
        cell, error, trace = fault.cell_index, f"{fault.ename}: {fault.evalue}", "\n".join(fault.traceback)
    except Exception as fault:  # a dead kernel, a time-out, a notebook that cannot be read: all end this chapter
        # papermill leaves these out of the output file, so the file alone would look like a success
        cell, error = -1, f"{type(fault).__name__}: {fault}"
    seconds = time.perf_counter() - began
    if cell is not None:
        return Outcome(task.name, seconds, failed_cell=cell, error=_ANSI.sub("", error), traceback=_ANSI.sub("", trace))
    notebook = nbformat.read(task.target, as_version=4)
    items = [item for c in notebook.cells if c.cell_type == "code" for item in collect(c.outputs)]
    return Outcome(task.name, seconds, items=tuple(items))


def default_workers() -> int:
    """One chapter per processor that this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform.startswith("linux") else os.cpu_count() or 1
