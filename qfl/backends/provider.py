"""What a provider offers as a qiskit BackendV2: opened by name, its jobs sent, found again, read.

A job can be told from lost only where its provider hands it out again by its id. Clients of
providers raise what they like; here it becomes one sentence, without what the environment keeps
secret.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, reduce
from typing import Any

from qiskit.exceptions import QiskitError
from qiskit.providers import BackendV2

from qfl.backends.jobs import undamaged
from qfl.core.counts import Counts
from qfl.core.errors import BackendError, ConfigError, JobFailedError, QflError
from qfl.core.registry import load

_SIMULATORS = ("qiskit_aer.", "qiskit.providers.", "qiskit_ibm_runtime.fake_provider.")
"""Modules whose devices run in this process."""

_WAYS = ("retrieve_job", "provider.retrieve_job", "provider.get_job", "service.job")
"""Where providers hand out a job by its id."""

_SECRET = ("TOKEN", "SECRET", "KEY", "PASSWORD")


def opened(device: Any) -> Any:
    """Return a BackendV2.

    Args:
        device: itself, what returns it when called, or "module:attribute" of either.

    Raises:
        ConfigError: it is none, or needs arguments, or is a machine of IBM's.
        BackendError: its provider does not hand it out now.
    """
    found = device
    if isinstance(found, str):
        try:
            found = load(found)
        except (ImportError, AttributeError, ValueError) as error:
            raise ConfigError(
                f"qiskit:{device} names no device ({error}); give module:attribute of a "
                "BackendV2 or of what returns one"
            ) from error
    if not isinstance(found, BackendV2) and callable(found):
        try:
            with plain_words(f"qiskit:{device}", TypeError):
                found = found()
        except TypeError as error:
            raise ConfigError(
                f"qiskit:{device} cannot be called without arguments ({error}); name a "
                "BackendV2 object, or a function without arguments that returns one"
            ) from error
    if not isinstance(found, BackendV2):
        raise ConfigError(f"qiskit:{device} is {type(found).__name__}, not a BackendV2")
    if type(found).__module__ == "qiskit_ibm_runtime.ibm_backend":
        raise ConfigError(f"qiskit:{device} is a machine of IBM's: name it ibm:{found.name}")
    return found


@cache
def runs_here(target: str) -> bool:
    """Return True for a device that is known to run in this process: asking it again is free.

    >>> runs_here("qiskit_aer:AerSimulator")
    True
    """
    return type(opened(target)).__module__.startswith(_SIMULATORS)


@cache
def most_circuits(target: str) -> int | None:
    """Return how many circuits a device takes in one job, None for any number."""
    most = opened(target).max_circuits
    return None if most is None else int(most)


def retriever(name: str, device: Any) -> Callable[[str], Any]:
    """Return what hands out a job of the device's provider by its id.

    Raises:
        BackendError: nothing does; it says what to do.
    """
    for path in _WAYS:
        found = reduce(lambda holder, name: getattr(holder, name, None), path.split("."), device)
        if callable(found):
            way: Callable[[str], Any] = found
            return way
    raise BackendError(
        f"{name} may be a provider's machine and has no retrieve_job, so that a job whose process "
        "ends would be lost; set backend_options = { untracked = true } if it runs here, or to "
        "accept that"
    )


def sent(name: str, device: Any, circuits: Sequence[Any], shots: int) -> str:
    """Return the id of the accepted job.

    Raises:
        BackendError: it is not known whether it was taken.
    """
    with plain_words(name):
        return str(device.run(list(circuits), shots=shots).job_id())


def counts_of(
    name: str, device: Any, job: str
) -> tuple[tuple[Counts, ...], tuple[str, ...]] | None:
    """Return the counts and names of every circuit of a job, None while it waits or runs.

    Providers that name no circuit in their results leave the names empty.

    Raises:
        JobFailedError, JobDamagedError, BackendError: see `jobs.Queue`.
    """
    with plain_words(name):
        found = retriever(name, device)(job)
        status = _status(found)
        if status in ("ERROR", "CANCELLED"):
            said = getattr(found, "error_message", lambda: "")() or "no reason given"
            raise JobFailedError(f"job {job} on {name} ended as {status}: {_plain(str(said))}")
        if status != "DONE":
            return None
        result = found.result()
    counts: list[Counts] = undamaged(lambda: _read(result), job)
    return tuple(counts), tuple(filter(None, map(_name, result.results)))


@contextmanager
def plain_words(name: str, *spared: type[Exception]) -> Iterator[None]:
    """Turn what a provider's client raises, but for `spared`, into one sentence.

    Raises:
        BackendError: with the name of what was raised.
    """
    try:
        yield
    except QflError:
        raise
    except spared:
        raise
    except Exception as error:
        raise BackendError(f"{name}: {type(error).__name__}: {_plain(str(error))}") from None


def _status(job: Any) -> str:
    """Return the name of a job's status, which is an enumeration or a word."""
    status = job.status()
    return str(getattr(status, "name", status)).upper()


def _read(result: Any) -> list[Counts]:
    """Return the counts of every experiment; Qiskit's keys end with variable 0.

    Raises:
        ValueError, TypeError, KeyError: the result is damaged.
    """
    try:
        tables = [result.get_counts(number) for number in range(len(result.results))]
    except (QiskitError, AttributeError) as error:
        raise ValueError(str(error)) from error
    return [
        Counts.of([[int(bit) for bit in reversed(key)] for key in table], list(table.values()))
        for table in tables
    ]


def _name(experiment: Any) -> str:
    """Return the name of a circuit in a result, whose header is a mapping or an object."""
    header = getattr(experiment, "header", None)
    found = header.get("name") if isinstance(header, Mapping) else getattr(header, "name", None)
    return str(found or "")


def _plain(text: str) -> str:
    """Return a message in one line, without the values that the environment keeps secret."""
    for name, value in os.environ.items():
        if len(value) >= 8 and any(word in name.upper() for word in _SECRET):
            text = text.replace(value, "***")
    return " ".join(text.split())
