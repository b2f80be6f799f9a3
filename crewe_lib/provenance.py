"""Where a result comes from: which function made it, on which lines, from which data.

Functions decorated with `traced` behave exactly as written. While a chapter is being executed, a `Recorder` also
remembers, for every table and result they return, the chain of functions behind it and the data files it rests on.
Nobody declares a dependency by hand, so none can be forgotten.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import pandas as pd

from crewe_lib.datapackage import Kind
from crewe_lib.errors import EvidenceError
from crewe_lib.values import fingerprint, is_data, is_plain

P = ParamSpec("P")
R = TypeVar("R")

REPOSITORY = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, order=True)
class DataFile:
    """A data file as it was read: path relative to the repository, SHA-256 of its bytes, rows, kind of data."""

    path: str
    sha256: str
    rows: int
    kind: Kind


@dataclass(frozen=True)
class Step:
    """One call: the function's name, its file, its first and last line, its plain arguments, and whether it infers
    numbers that no source prints."""

    function: str
    file: str
    lines: tuple[int, int]
    parameters: Mapping[str, Any] = field(compare=False, default_factory=dict)
    infers: bool = False


@dataclass(frozen=True)
class Origin:
    """The calls behind a result, first to last, the data files under them, and whether data were made up on the way."""

    steps: tuple[Step, ...]
    data: frozenset[DataFile]
    simulates: bool = False

    @property
    def kinds(self) -> list[Kind]:
        """Kinds of data the result rests on, in alphabetical order; 'inferred' and 'simulated' too if a step infers or
        makes up data."""
        inferred: set[Kind] = {"inferred"} if any(step.infers for step in self.steps) else set()
        simulated: set[Kind] = {"simulated"} if self.simulates else set()
        return sorted({item.kind for item in self.data} | inferred | simulated)

    def then(self, function: Callable[..., Any]) -> Origin:
        """The same origin with one more function at the end of the chain."""
        file, lines = locate(function)
        return Origin((*self.steps, Step(function.__qualname__, file, lines)), self.data, self.simulates)

    def beside(self, other: Origin | None) -> Origin:
        """The same steps, with the data of another result that is shown beside this one."""
        if other is None:
            return self
        return Origin(self.steps, self.data | other.data, self.simulates or other.simulates)


def locate(function: Callable[..., Any]) -> tuple[str, tuple[int, int]]:
    """File (relative to the repository) and first and last line of a function's source, decorators included."""
    plain = inspect.unwrap(function)
    lines, first = inspect.getsourcelines(plain)
    path = Path(inspect.getsourcefile(plain) or "").resolve()
    name = path.relative_to(REPOSITORY).as_posix() if path.is_relative_to(REPOSITORY) else path.name
    return name, (first, first + len(lines) - 1)


@dataclass
class _Frame:
    """What a running function has read, and whether it made up data."""

    data: set[DataFile] = field(default_factory=set)
    simulates: bool = False


class Recorder:
    """Remembers the origin of every object that a traced function returned while it was active."""

    def __init__(self) -> None:
        # The object is kept beside its origin so that its identity cannot be given to another.
        self._origins: dict[int, tuple[Any, Origin, str]] = {}
        self._frames: list[_Frame] = []

    def note_read(self, item: DataFile) -> None:
        """Called by loaders: the running function has read this file."""
        if self._frames:
            self._frames[-1].data.add(item)

    def note_simulated(self) -> None:
        """Called by what makes up data: the result of the running function is simulated."""
        if self._frames:
            self._frames[-1].simulates = True

    def find(self, value: Any) -> Origin | None:
        """The origin of an object that a traced function made, else None. Raises EvidenceError if it changed since."""
        known = self._origins.get(id(value))
        if known is None:
            return None
        if known[2] != fingerprint(value):
            made_by = known[1].steps[-1].function
            raise EvidenceError(
                f"the result of {made_by} was changed after the library returned it; make the change in the library, "
                "in a traced function."
            )
        return known[1]

    def call(self, function: Callable[..., R], args: tuple[Any, ...], kwargs: dict[str, Any]) -> R:
        """Run a function and remember where its result comes from."""
        bound = inspect.signature(function).bind(*args, **kwargs)
        bound.apply_defaults()
        inputs = [
            origin
            for name, value in bound.arguments.items()
            for origin in self._inputs(value, f"argument '{name}' of {function.__qualname__}")
        ]
        self._frames.append(_Frame())
        try:
            result = function(*args, **kwargs)
        finally:
            frame = self._frames.pop()
        data = frozenset(frame.data.union(*(origin.data for origin in inputs)))
        simulates = frame.simulates or any(origin.simulates for origin in inputs)
        if self._frames:
            self._frames[-1].data |= data
            self._frames[-1].simulates |= simulates
        parameters = {name: value for name, value in bound.arguments.items() if is_plain(value)}
        file, lines = locate(function)
        step = Step(function.__qualname__, file, lines, parameters, hasattr(inspect.unwrap(function), INFERS))
        earlier = dict.fromkeys(step for origin in inputs for step in origin.steps)
        self._remember(result, Origin((*(s for s in earlier if s != step), step), data, simulates))
        return result

    def _inputs(self, value: Any, place: str) -> Iterator[Origin]:
        """The origins of an argument and its parts. What a chapter itself hands in (no traced function is running) must
        come from the library as it is; inside the library anything goes, since the data read there are counted."""
        if self._frames:
            known = self._origins.get(id(value))
            origin = known[1] if known else None
        else:
            origin = self.find(value)
            if origin is None and is_data(value):
                raise EvidenceError(
                    f"{place}: this {type(value).__name__} was not returned by a traced crewe_lib function, so it "
                    "cannot be traced; compute it in the library and pass the returned object itself."
                )
        if origin:
            yield origin
            return
        parts: Iterable[Any] = ()
        if isinstance(value, Mapping):
            parts = value.values()
        elif isinstance(value, list | tuple | set | frozenset):
            parts = value
        for part in parts:
            yield from self._inputs(part, place)

    def _remember(self, result: Any, origin: Origin) -> None:
        if result is None or isinstance(result, str | int | float | bool):
            return  # plain values have no identity of their own; results are tables and dataclasses
        self._origins[id(result)] = (result, origin, fingerprint(result))
        parts: Iterable[Any] = ()
        if isinstance(result, Mapping):
            parts = result.values()
        elif isinstance(result, list | tuple):
            parts = result
        elif is_dataclass(result):
            parts = [v for f in fields(result) if isinstance(v := getattr(result, f.name), pd.DataFrame | Mapping)]
        for part in parts:
            self._remember(part, origin)


_recorder: Recorder | None = None
INFERS = "__crewe_infers__"


def infers(function: Callable[P, R]) -> Callable[P, R]:
    """Mark a function whose results are inferences from printed figures: they carry kind 'inferred'."""
    setattr(function, INFERS, True)
    return function


def start_recording() -> Recorder:
    """Begin a fresh record; a chapter does this once, in its first cell."""
    global _recorder
    _recorder = Recorder()
    return _recorder


def stop_recording() -> None:
    """Traced functions become plain functions again."""
    global _recorder
    _recorder = None


def note_read(item: DataFile) -> None:
    """For loaders: state that a file was read. Does nothing outside a chapter."""
    if _recorder:
        _recorder.note_read(item)


def note_simulated() -> None:
    """For what makes up data: whatever the running functions return is simulated. Does nothing outside a chapter."""
    if _recorder:
        _recorder.note_simulated()


def traced(function: Callable[P, R]) -> Callable[P, R]:
    """Mark a public library function whose results may be shown in a chapter."""

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        if _recorder is None:
            return function(*args, **kwargs)
        return _recorder.call(function, args, dict(kwargs))

    return wrapper
