"""IBM's cloud on 127.0.0.1, as far as the unmodified client asks: token, search, catalogue,
configuration and properties from a snapshot, jobs, results, metrics. Jobs run noiselessly on Aer.

`environment(url)` is all that a client needs, in this process or in another.
"""

import json
import os
import signal
import socket
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import jwt
from ibm_quantum_schemas.common import CompressedTensorModel
from ibm_quantum_schemas.executor.version_2_0 import QuantumProgramResultModel
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit_aer import AerSimulator
from qiskit_aer.primitives import SamplerV2
from qiskit_ibm_runtime.fake_provider.executor.run_quantum_program import run_quantum_program
from qiskit_ibm_runtime.json import RuntimeDecoder, RuntimeEncoder
from qiskit_ibm_runtime.options_models.simulator import SimulatorOptions
from qiskit_ibm_runtime.quantum_program.params_converters import QUANTUM_PROGRAM_PARAMS_CONVERTERS
from samplomatic.quantum_program import SamplexItem
from served import Handler, Served

from qfl.backends.snapshots import snapshot

TOKEN = "planted-token-0123456789abcdefghijklmnopqrst"
CRN = "crn:v1:bluemix:public:quantum-computing:us-east:a/1234:5678::"
DEVICE = "ibm_loopback"
READING = {"prob_meas1_prep0", "prob_meas0_prep1", "readout_error"}


def environment(url):
    """The variables that lead a client here; "experimental" keeps its resolver from rewriting."""
    return {
        "QISKIT_IBM_TOKEN": TOKEN,
        "QISKIT_IBM_URL": f"{url}/experimental",
        "QISKIT_IBM_INSTANCE": CRN,
        "IAM_URL": url,
        "GLOBAL_SEARCH_URL": url,
        "GLOBAL_CATALOG_URL": url,
        "RESOURCE_CONTROLLER_URL": url,
    }


class Cloud(Served):
    """The server and its jobs.

    `mood` is what happens to jobs from now on: "done", "queued", "failed", "cancelled",
    "truncated", or "half": every circuit has half of its shots. `refuse` is a status code that
    answers POST jobs, `expired` refuses every token; `perfect` says that nothing is
    read wrongly, which is how the jobs do run. `lost` is how the next jobs are answered after they
    were taken: "drop" the connection, "garbage", or a code such as "524"; "524 then 429" refuses
    what comes next. `broken` is what answers a path by how it ends: a status code, for GET also
    "html", or "kill" for `victim`, which is a process that its next job kills too.
    """

    def __init__(self, like="fake_manila"):
        self.snapshot = snapshot(like)
        self.jobs = {}
        self.log = []
        self.mood, self.refuse, self.expired, self.operational = "done", 0, False, True
        self.perfect = False
        self.lost, self.broken, self.victim = [], {}, None
        super().__init__(_Handler)

    def document(self, kind):
        """The configuration or properties of the snapshot under the name of our device."""
        file = self.snapshot.conf_filename if kind == "configuration" else None
        found = self.snapshot._load_json(file or self.snapshot.props_filename)
        if self.perfect and kind == "properties":
            for entry in (entry for qubit in found["qubits"] for entry in qubit):
                if entry["name"] in READING:
                    entry["value"] = 0.0
        return {**found, "backend_name": DEVICE, "simulator": False}

    def accept(self, asked):
        number = f"job-{len(self.jobs):04d}"
        now = datetime.now(UTC).isoformat()
        self.jobs[number] = {**asked, "id": number, "created": now, "mood": self.mood}
        return {"id": number, "backend": asked["backend"]}

    def kill(self):
        """End the victim at once, whatever it is doing."""
        os.kill(self.victim, signal.SIGKILL)
        self.victim = None

    def shown(self, job):
        mood = job["mood"]
        states = {"queued": "Queued", "failed": "Failed", "cancelled": "Cancelled"}
        state = {"status": states.get(mood, "Completed")}
        if mood == "failed":
            state |= {"reason": "the fridge is warm", "reasonCode": 1517}
        return {
            "id": job["id"],
            "backend": job["backend"],
            "state": state,
            "status": state["status"],
            "program": {"id": job["program_id"]},
            "created": job["created"],
            "tags": job.get("tags", []),
        }

    def result(self, job):
        if job["mood"] == "failed":
            return "Traceback: the fridge is warm"
        if "result" not in job:
            job["result"] = _executed(job) if job["program_id"] == "executor" else _sampled(job)
        text = job["result"]
        return text[: len(text) // 2] if job["mood"] == "truncated" else text


def _executed(job):
    """Run a quantum program and encode what the executor would return."""
    converter = QUANTUM_PROGRAM_PARAMS_CONVERTERS["v2.0"]
    model = converter.model.model_validate(job["params"])
    program, _ = converter.decoder(model)
    if job["mood"] == "half":
        program.shots //= 2
    for item in program.items:
        if isinstance(item, SamplexItem):
            item.samplex.finalize()
    options = SimulatorOptions(seed_simulator=int(job["id"].removeprefix("job-")))
    found = run_quantum_program(AerSimulator(), program, options)
    data = [
        {
            "results": {name: CompressedTensorModel.from_numpy(v) for name, v in item.items()},
            "metadata": {},
        }
        for item in found
    ]
    answer = QuantumProgramResultModel(
        data=data,
        metadata={"chunk_timing": []},
        passthrough_data=model.quantum_program.passthrough_data,
        semantic_role=model.quantum_program.semantic_role,
    )
    return answer.model_dump_json()


def _sampled(job):
    """Run what the older primitive sends and encode its result."""
    params = json.loads(json.dumps(job["params"]), cls=RuntimeDecoder)
    pubs = [SamplerPub.coerce(tuple(pub)) for pub in params["pubs"]]
    found = SamplerV2(seed=int(job["id"].removeprefix("job-"))).run(pubs).result()
    return json.dumps(found, cls=RuntimeEncoder)


class _Handler(Handler):
    cloud: Cloud

    def do_GET(self):
        self._route("GET", None)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._route("POST", body)

    def _route(self, method, body):
        path = urlsplit(self.path)
        parts = path.path.removeprefix("/experimental").strip("/").split("/")
        self.cloud.log.append(f"{method} /{'/'.join(parts)}")
        if "experimental" in path.path and self.cloud.expired:
            self._answer(401, {"error": {"message": "token expired", "code": 1200}})
        elif method == "POST":
            self._post(parts, body)
        else:
            self._get(parts, parse_qs(path.query))

    def _post(self, parts, body):
        if parts == ["identity", "token"]:
            now = int(datetime.now(UTC).timestamp())
            claims = {"iat": now, "exp": now + 3600}
            token = jwt.encode(claims, "k" * 32, algorithm="HS256")
            self._answer(200, {"access_token": token, "expires_in": 3600, "expiration": now + 3600})
        elif parts == ["v3", "resources", "search"]:
            item = {"crn": CRN, "service_plan_unique_id": "plan", "name": "loopback", "tags": []}
            self._answer(
                200, {"items": [{**item, "doc": {"extensions": [1]}, "region": "us-east"}]}
            )
        elif parts == ["jobs"] and self.cloud.refuse:
            said = {"message": f"too many for {CRN}", "code": 1000}
            self._answer(self.cloud.refuse, {"error": said})
        elif parts == ["jobs"]:
            self._accept(json.loads(body))
        elif parts[-1] in self.cloud.broken:
            self._answer(self.cloud.broken[parts[-1]], {"error": {"message": "no", "code": 1}})
        elif parts[0] == "jobs" and parts[-1] == "cancel":
            self.cloud.jobs[parts[1]]["mood"] = "cancelled"
            self._send(204, b"")
        else:
            self._answer(404, {})

    def _accept(self, asked):
        cloud = self.cloud
        taken = cloud.accept(asked)
        if cloud.victim is not None:
            cloud.kill()
        how = cloud.lost.pop(0) if cloud.lost else ""
        if how == "drop":
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        elif how == "garbage":
            self._send(200, b"<html>gateway</html>")
        elif how:
            code, _, then = how.partition(" then ")
            self._answer(int(code), {"error": {"message": "timed out", "code": 1}})
            cloud.refuse = int(then or 0)
        else:
            self._answer(200, taken)

    def _get(self, parts, query):
        cloud = self.cloud
        match parts:
            case [*_, last] if cloud.broken.get(last) == "html":
                self._send(200, b"<html>gateway</html>")
            case [*_, last] if cloud.broken.get(last) == "kill":
                cloud.kill()
            case [*_, last] if last in cloud.broken:
                self._answer(cloud.broken[last], {"error": {"message": "no", "code": 1}})
            case ["backends"]:
                self._answer(200, {"devices": [{"name": DEVICE, "queue_length": 0}]})
            case ["backends", _, "status"]:
                state = {"state": cloud.operational, "status": "active", "length_queue": 0}
                self._answer(200, state)
            case ["backends", _, ("configuration" | "properties") as kind]:
                self._answer(200, cloud.document(kind))
            case ["instances", "usage"]:
                self._answer(200, {"usage_limit_reached": False})
            case ["jobs"]:
                wanted = set(query.get("tags", []))
                found = [j for j in cloud.jobs.values() if wanted <= set(j.get("tags", []))]
                self._answer(200, {"jobs": [cloud.shown(j) for j in found], "count": len(found)})
            case ["jobs", job, *_] if job not in cloud.jobs:
                self._answer(404, {"error": {"message": "no such job", "code": 1291}})
            case ["jobs", job]:
                self._answer(200, cloud.shown(cloud.jobs[job]))
            case ["jobs", job, "results"]:
                self._send(200, cloud.result(cloud.jobs[job]).encode())
            case ["jobs", job, "metrics"]:
                times = {"created": "2026-01-01T00:00:00+00:00", "running": "2026-01-01T00:01:30Z"}
                usage = {"qpu_charge_time_seconds": 3.5, "status": "complete"}
                self._answer(200, {"timestamps": times, "usage": usage})
            case [_]:
                pricing = {"pricing": {"type": "free"}}
                names = {"overview_ui": {"en": {"display_name": "Open"}}, "name": "open"}
                self._answer(200, {**names, "metadata": pricing})
            case _:
                self._answer(404, {})

    def _answer(self, code, content):
        self._send(code, json.dumps(content).encode())

    def _send(self, code, body):
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
