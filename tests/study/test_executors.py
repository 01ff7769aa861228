"""Both executors stream the same items, one thread per process, and lose no task."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import toys

from qfl.study.executors import THREADS, InProcess, Pool, one_thread

TASKS = [3, 1, 2]


def lost(task, cause):
    return (task, cause)


@pytest.mark.parametrize("executor", [InProcess(), Pool(2), Pool(5)])
def test_every_item_arrives_and_those_of_a_task_in_order(executor):
    found: dict[int, list[int]] = {}
    for task, item in executor.map(toys.count_up, TASKS, lost=lost):
        found.setdefault(task, []).append(item)
    assert found == {3: [0, 1, 2], 1: [0], 2: [0, 1]}


@pytest.mark.parametrize("executor", [InProcess(), Pool(2)])
def test_no_tasks_are_no_items(executor):
    assert list(executor.map(toys.count_up, [], lost=lost)) == []


@pytest.mark.parametrize("executor", [InProcess(), Pool(1)])
def test_tasks_run_with_one_thread(executor):
    ((_, limits),) = executor.map(toys.thread_limits, [0], lost=lost)
    assert limits == dict.fromkeys(THREADS, "1")


def test_a_worker_that_dies_is_replaced_and_its_task_named():
    found = list(Pool(1).map(toys.die_on_one, TASKS, lost=lost))
    assert found == [(3, 3), (1, (1, "its worker process died with exit code 7")), (2, 2)]


def test_workers_that_cannot_start_are_one_error(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from qfl.study.executors import Pool\n"
        "import toys\n"
        "print(list(Pool(2).map(toys.count_up, [1, 2], lost=lambda task, cause: cause)))\n"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(toys.__file__).parent)}
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, env=environment, timeout=60
    )
    assert done.returncode == 1
    assert "ConfigError: a worker process ended before it began (exit code 1)" in done.stderr


def test_leaving_early_ends_the_workers():
    items = Pool(2).map(toys.forever, [1, 2], lost=lost)
    pids = {next(items)[1], next(items)[1]}
    items.close()
    deadline = time.monotonic() + 10
    while any(os.path.exists(f"/proc/{pid}") for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(os.path.exists(f"/proc/{pid}") for pid in pids)


def test_thread_limits_are_given_back(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    torch = sys.modules.get("torch")
    before = torch.get_num_threads() if torch else None
    with one_thread():
        assert os.environ["OMP_NUM_THREADS"] == "1"
        assert torch is None or torch.get_num_threads() == 1
    assert os.environ["OMP_NUM_THREADS"] == "3"
    assert "MKL_NUM_THREADS" not in os.environ
    assert torch is None or torch.get_num_threads() == before
