"""Processes forked from one that has imported what they need, the command line among them.

Each is a real process that a real kill -9 can end; none pays seconds of imports. Their parent is
multiprocessing's fork server, which runs nothing itself, so that no thread is forked away.
"""

import multiprocessing
import os
import sys

from qfl.cli import main

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    [
        "pytest",
        "qiskit_aer",
        "qiskit_ibm_runtime",
        "qfl.cli.estimate",
        "qfl.cli.fetch",
        "qfl.cli.run",
        "qfl.backends.ibm",
        "qfl.backends.mitigated",
        "qfl.backends.qiskit",
        "qfl.simulators.subspace",
        "qfl.solvers.greedy",
        "qfl.solvers.qaoa",
        "qfl.study.assemble",
    ]
)


def _call(begin, folder, environment, function, arguments):
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for stream, name in ((1, "out.txt"), (2, "err.txt")):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
    begin.recv()
    function(*arguments)


def called(folder, function, *arguments, started=lambda pid: None):
    """Call a function in a folder, in a process that waits until started(pid) has returned.

    Returns its exit code, negative for a signal, and what it wrote to stdout and stderr.
    """
    ours, theirs = FORKS.Pipe()
    process = FORKS.Process(
        target=_call, args=(theirs, folder, dict(os.environ), function, arguments)
    )
    with ours, theirs:
        process.start()
        started(process.pid)
        ours.send("begin")
        process.join()
    code = process.exitcode
    process.close()
    return code, (folder / "out.txt").read_text(), (folder / "err.txt").read_text()


def command(*words):
    """Be the command `qfl WORDS`."""
    sys.argv = ["qfl", *words]
    main()
