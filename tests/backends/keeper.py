"""A provider whose cloud is a folder: what it takes is on disk, and it answers from any process.

The folder is that of the variable CLOUD. A job runs when the file `open` is there; a file `deadly`
makes the cloud kill whoever sends to it: "taken" after it has the job, "before" before it has; or
whoever asks for a job: "asked". With "silent" nobody is answered, with `cut` results
lack shots, "once" the next one alone.
"""

import json
import os
import signal
from pathlib import Path
from uuid import uuid4

from qiskit import qpy
from qiskit.circuit import ClassicalRegister
from qiskit.providers import BackendV2, JobStatus, JobV1, Options
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit_aer import AerSimulator

QUBITS, MOST = 5, 3


def cloud():
    return Path(os.environ["CLOUD"])


def jobs():
    """Ids of all jobs that the cloud has ever taken, the oldest first."""
    found = cloud().glob("*.qpy")
    return [path.stem for path in sorted(found, key=lambda path: path.stat().st_mtime_ns)]


def _deadly():
    path = cloud() / "deadly"
    return path.read_text() if path.exists() else ""


class Kept(JobV1):
    """A job in the folder."""

    def submit(self):
        raise NotImplementedError("it was submitted when it was made")

    def _path(self, kind):
        return cloud() / f"{self.job_id()}.{kind}"

    def status(self):
        if self._path("cancelled").exists():
            return JobStatus.CANCELLED
        return JobStatus.DONE if (cloud() / "open").exists() else JobStatus.QUEUED

    def cancel(self):
        self._path("cancelled").touch()

    def result(self):
        asked = json.loads(self._path("json").read_text())
        with self._path("qpy").open("rb") as file:
            circuits = qpy.load(file)
        cut = cloud() / "cut"
        shots = 1 if cut.exists() else asked["shots"]
        if cut.exists() and cut.read_text() == "once":
            cut.unlink()
        found = AerSimulator().run(circuits, shots=shots, seed_simulator=7).result()
        for each in found.results:
            each.header["name"] = self.backend().called(each.header["name"])
        return found


class Machine(BackendV2):
    """Takes three circuits a job."""

    def __init__(self):
        super().__init__(name="folder")
        self._like = GenericBackendV2(QUBITS, seed=3, noise_info=False)

    @property
    def target(self):
        return self._like.target

    @property
    def max_circuits(self):
        return MOST

    @classmethod
    def _default_options(cls):
        return Options()

    def called(self, name):
        """What a result calls the circuit of a name."""
        return name

    def run(self, run_input, *, shots, **options):
        assert len(run_input) <= MOST
        assert all(type(each) is ClassicalRegister for each in run_input[0].cregs)
        when = _deadly()
        if when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        if when == "silent":
            raise ConnectionError(f"no answer for {os.environ.get('FOLDER_TOKEN', 'nobody')}")
        job = Kept(self, uuid4().hex)
        job._path("json").write_text(json.dumps({"shots": shots, "name": run_input[0].name}))
        with job._path("qpy").open("wb") as file:
            qpy.dump(run_input, file)
        if when == "taken":
            os.kill(os.getpid(), signal.SIGKILL)
        return job


class Keeping(Machine):
    """Hands its jobs out again."""

    def retrieve_job(self, job_id):
        if _deadly() == "asked":
            os.kill(os.getpid(), signal.SIGKILL)
        if not (cloud() / f"{job_id}.qpy").exists():
            raise LookupError(f"no job {job_id}")
        return Kept(self, job_id)


class Nameless(Keeping):
    """Hands them out without the names of their circuits."""

    def called(self, name):
        return None


class Renaming(Keeping):
    """Has names of its own for circuits."""

    def called(self, name):
        return "circuit-1"


class Forgetful(Machine):
    """Does not."""


class Provider:
    """Hands out the jobs of its machines."""

    called = Machine.called
    get_job = Keeping.retrieve_job


class Provided(Machine):
    """A machine whose provider hands out jobs."""

    def __init__(self):
        super().__init__()
        self._provider = Provider()


def simulator():
    """A simulator of this process, as somebody configured it."""
    return AerSimulator(method="statevector")
