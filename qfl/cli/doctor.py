"""`qfl doctor`: what is installed, what is missing and how to get it."""

from __future__ import annotations

import os
import platform
import re
import shutil
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path

from qfl.cli.app import app
from qfl.cli.output import table

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")

Line = tuple[str, str, str]


@app.command()
def doctor() -> None:
    """Check versions, extras, threads, GPU, browser, data and credentials of this machine."""
    table(("what", "found", "advice"), [*_base(), *_extras(), *_machine(), *_places()])


def _base() -> Iterator[Line]:
    yield "qfl", version("qfl"), ""
    yield "python", platform.python_version(), ""
    for name, required in _requirements(""):
        yield name, *_installed(name, f"pip install '{required}'")


def _extras() -> Iterator[Line]:
    """Yield the packages of each extra but the developers'."""
    for extra in distribution("qfl").metadata.get_all("Provides-Extra") or ():
        if extra == "dev":
            continue
        for name, _ in _requirements(extra):
            yield f"{name} [{extra}]", *_installed(name, f"pip install 'qfl[{extra}]'")


def _machine() -> Iterator[Line]:
    from qfl.core.cores import available_cores
    from qfl.study.executors import THREADS

    cores = available_cores()
    yield "cores", str(cores), "" if cores > 1 else "cells are played one after another"
    limits = {name: os.environ[name] for name in THREADS if name in os.environ}
    found = ", ".join(f"{name}={value}" for name, value in limits.items()) or "no limit set"
    yield "threads", found, "qfl holds every process to one thread by itself"
    yield "gpu", *_gpu()
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    advice = "only browser tests need one: apt-get install chromium"
    yield "browser", browser or "none", "" if browser else advice
    git = shutil.which("git")
    yield "git", git or "none", "" if git else "provenance cannot name the commit without it"


def _places() -> Iterator[Line]:
    data = os.environ.get("QFL_DATA", "")
    if not data:
        yield "QFL_DATA", "not set", "only data sets that are not built in need it"
    else:
        missing = "" if Path(data).is_dir() else "no such folder"
        yield "QFL_DATA", data, missing
    known = {
        "IBM Quantum credentials": (
            Path.home() / ".qiskit" / "qiskit-ibm.json",
            "QISKIT_IBM_TOKEN",
        ),
        "AWS credentials": (Path.home() / ".aws" / "credentials", "AWS_ACCESS_KEY_ID"),
    }
    for what, (file, variable) in known.items():
        present = variable in os.environ or _holds_something(file)
        yield what, "present" if present else "none", "" if present else "only hardware needs them"


def _holds_something(file: Path) -> bool:
    """Return True for an account file with an account; IBM's client leaves an empty one behind."""
    return file.is_file() and file.read_text(encoding="utf-8").strip() not in ("", "{}")


def _gpu() -> tuple[str, str]:
    import torch

    if torch.cuda.is_available():
        return torch.cuda.get_device_name(0), ""
    return "none", "everything runs without one"


def _installed(name: str, install: str) -> tuple[str, str]:
    try:
        return version(name), ""
    except PackageNotFoundError:
        return "missing", install


def _requirements(extra: str) -> Iterator[tuple[str, str]]:
    """Yield (name, requirement) of the packages that qfl, or one of its extras, asks for."""
    for line in distribution("qfl").requires or ():
        requirement, _, marker = line.partition(";")
        named = re.search(r"extra\s*==\s*['\"]([^'\"]+)['\"]", marker)
        if (named.group(1) if named else "") == extra:
            name = re.split(r"[^A-Za-z0-9._-]", requirement.strip())[0]
            yield name, requirement.strip()
