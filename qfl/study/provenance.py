"""Where results come from: code, versions, machine, threads, seeds, data, command.

Written once per distinct circumstances to provenance/<sha256>.json; rows refer to it by that
name. Holds no secret: values of arguments that look like credentials are masked, and paths are
written relative to the working folder or to ~.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path
from typing import Any

import qfl
from qfl.core.arrays import canonical_json
from qfl.core.cell import Cell
from qfl.study.executors import THREADS, one_thread
from qfl.study.store import write_atomically

_SECRET = re.compile(r"(token|secret|password|passwd|credential|api[_-]?key)", re.IGNORECASE)


def write(folder: Path, cells: Sequence[Cell], *, lock: str) -> str:
    """Write the provenance of a run and return the sha256 that names it.

    Args:
        folder: the run folder.
        cells: all cells of the study, for seeds and data.
        lock: text of study.lock.toml.
    """
    found = collect(cells, lock=lock)
    sha = hashlib.sha256(canonical_json(found).encode()).hexdigest()
    path = folder / "provenance" / f"{sha}.json"
    if not path.exists():
        write_atomically(path, json.dumps(found, indent=2, sort_keys=True, ensure_ascii=False))
    return sha


def collect(cells: Sequence[Cell], *, lock: str) -> dict[str, Any]:
    """Return the circumstances of a run as plain JSON types; no clock, no host name, no user."""
    data = {str(c.scenario.get("data")): c.scenario.get("data_sha256") for c in cells}
    return {
        "argv": [_clean(argument) for argument in _masked(sys.argv)],
        "data": data,
        "git": git_state(Path(qfl.__file__).parent),
        "host": {
            "cores": os.cpu_count(),
            "cpu": _cpu(),
            "os": f"{platform.system()} {platform.release()} {platform.machine()}",
            "python": platform.python_version(),
        },
        "lock_sha256": hashlib.sha256(lock.encode()).hexdigest(),
        "seeds": sorted({cell.seed for cell in cells}),
        "threads": thread_settings(),
        "versions": package_versions(),
    }


def git_state(folder: Path) -> dict[str, Any]:
    """Return {"commit", "dirty", "diff_sha256"} of the checkout that tracks `folder`, or {}."""
    if _git(folder, "ls-files", "--error-unmatch", "__init__.py") is None:
        return {}
    diff = _git(folder, "diff", "HEAD", "--", ":/") or b""
    new = _git(folder, "ls-files", "--others", "--exclude-standard", "--", ".") or b""
    commit = _git(folder, "rev-parse", "HEAD") or b""
    dirty = bool(diff or new)
    return {
        "commit": commit.decode().strip(),
        "dirty": dirty,
        "diff_sha256": hashlib.sha256(diff + new).hexdigest() if dirty else "",
    }


def package_versions() -> dict[str, str]:
    """Return the installed version of qfl and of everything it and its extras name."""
    names = {"qfl", "pennylane", "qiskit", "qiskit-aer", "qiskit-ibm-runtime"}
    for requirement in distribution("qfl").requires or ():
        if "extra == 'dev'" not in requirement.replace('"', "'"):
            names.add(re.split(r"[^A-Za-z0-9._-]", requirement)[0])
    found = {}
    for name in sorted(names):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def thread_settings() -> dict[str, Any]:
    """Return the thread limits that cells are played under."""
    with one_thread():
        torch = sys.modules.get("torch")
        found: dict[str, Any] = {name: os.environ[name] for name in THREADS}
        if torch:
            found["torch"] = torch.get_num_threads()
    return found


def _git(folder: Path, *arguments: str) -> bytes | None:
    """Return what git prints, or None where it refuses or is not installed."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, check=True, timeout=20
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout


def _cpu() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor()
    names = re.findall(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return names[0] if names else platform.processor()


def _masked(arguments: Sequence[str]) -> list[str]:
    """Mask the values of arguments that look like credentials, given as a=b or as two words."""
    masked: list[str] = []
    for argument in arguments:
        name, equals, _ = argument.partition("=")
        after_secret = masked and masked[-1].startswith("-") and _SECRET.search(masked[-1])
        if equals and _SECRET.search(name):
            masked.append(f"{name}=***")
        else:
            masked.append("***" if after_secret and "=" not in masked[-1] else argument)
    return masked


def _clean(argument: str) -> str:
    """Write a path below the working folder or the home folder without what is above it."""
    for base, name in ((Path.cwd(), "."), (Path.home(), "~")):
        if argument.startswith(f"{base}{os.sep}"):
            return name + argument.removeprefix(str(base))
    return argument
