"""Run one chapter with papermill, in a process of its own, away from the user's Jupyter and matplotlib settings."""

from __future__ import annotations

import logging
import os
import re
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

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


def kernel_environment(scratch: Path) -> dict[str, str]:
    """Settings under which a chapter gives the same result whoever runs it.

    User kernels, start-up files and matplotlib settings are kept out; one thread per chapter, since chapters already
    run side by side.
    """
    folders = {
        "IPYTHONDIR": "ipython",
        "JUPYTER_CONFIG_DIR": "jupyter",
        "JUPYTER_DATA_DIR": "jupyter-data",
        "MPLCONFIGDIR": "matplotlib",
    }
    for folder in folders.values():
        (scratch / folder).mkdir(parents=True, exist_ok=True)
    threads = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "NUMEXPR")}
    plain = {
        "PYTHONNOUSERSITE": "1",
        "PYTHONHASHSEED": "0",
        "JUPYTER_PREFER_ENV_PATH": "1",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
    return {name: str(scratch / folder) for name, folder in folders.items()} | threads | plain


def run_chapter(task: Task) -> Outcome:
    """Execute one chapter. A failing cell, a dead kernel or a time-out is reported in the Outcome, never raised."""
    os.environ.update(task.environment)
    with tempfile.TemporaryDirectory(prefix="crewe-") as sockets:  # a short path: socket names are limited
        os.environ["JUPYTER_RUNTIME_DIR"] = sockets
        return _run(task)


def _run(task: Task) -> Outcome:
    import nbformat
    import papermill

    for name in ("papermill", "papermill.translators", "traitlets"):
        logging.getLogger(name).setLevel(logging.ERROR)
    began = time.perf_counter()
    cell, error, trace = None, "", ""
    try:
        papermill.execute_notebook(
            str(task.source),
            str(task.target),
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


def start_pool(workers: int) -> ProcessPoolExecutor:
    """Processes for chapters; started afresh rather than forked, so that they behave alike on Linux and macOS."""
    return ProcessPoolExecutor(max_workers=workers, mp_context=get_context("spawn"))


def default_workers() -> int:
    """One chapter per processor that this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform.startswith("linux") else os.cpu_count() or 1
