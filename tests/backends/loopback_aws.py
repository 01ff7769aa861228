"""Amazon Braket and S3 on 127.0.0.1, as far as the unmodified client asks: the device, creating,
finding and reading tasks, and the result objects. Tasks run on the SDK's local simulator.

`environment(url, home)` is all that a client needs, in this process or in another.
"""

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote, urlsplit

from braket.default_simulator import StateVectorSimulator
from braket.ir.openqasm import Program
from served import Handler, Served

ARN = "arn:aws:braket:eu-north-1::device/qpu/iqm/Loopback"
SECRET = "planted-secret-0123456789abcdefghijklmno"
BUCKET = "amazon-braket-loopback"


def environment(url, home):
    """The variables that lead a client here, and away from everybody's own files."""
    return {
        "AWS_ACCESS_KEY_ID": "AKIAPLANTED",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_ENDPOINT_URL_BRAKET": url,
        "AWS_ENDPOINT_URL_S3": url,
        "AMZN_BRAKET_TASK_RESULTS_S3_URI": f"s3://{BUCKET}/tasks",
        "AWS_CONFIG_FILE": str(home / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(home / "credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_MAX_ATTEMPTS": "1",
    }


def capabilities():
    """What the device says about itself: five qubits with cz, read and calibrated as a QPU is."""
    fidelities = [
        {"fidelityType": {"name": "RANDOMIZED_BENCHMARKING"}, "fidelity": 0.999},
        {"fidelityType": {"name": "READOUT"}, "fidelity": 0.97},
    ]
    qubit = {
        "T1": {"value": 40.0, "unit": "us"},
        "T2": {"value": 20.0, "unit": "us"},
        "oneQubitFidelity": fidelities,
    }
    pair = {"gateName": "CZ", "fidelity": 0.99, "fidelityType": {"name": "IRB"}}
    header = "braket.device_schema."
    return {
        "braketSchemaHeader": {"name": f"{header}iqm.iqm_device_capabilities", "version": "1"},
        "service": {
            "braketSchemaHeader": {"name": f"{header}device_service_properties", "version": "1"},
            "executionWindows": [
                {
                    "executionDay": "Everyday",
                    "windowStartHour": "00:00:00",
                    "windowEndHour": "23:59:59",
                }
            ],
            "shotsRange": [1, 20000],
            "updatedAt": "2026-11-01T12:00:00+00:00",
        },
        "action": {
            "braket.ir.openqasm.program": {
                "actionType": "braket.ir.openqasm.program",
                "version": ["1"],
                "supportedOperations": ["cz", "cnot", "rx", "ry", "rz", "h", "x", "z", "i"],
                "supportedResultTypes": [],
            }
        },
        "deviceParameters": {},
        "paradigm": {
            "braketSchemaHeader": {
                "name": f"{header}gate_model_qpu_paradigm_properties",
                "version": "1",
            },
            "connectivity": {"fullyConnected": False, "connectivityGraph": {"0": ["1"]}},
            "qubitCount": 5,
            "nativeGateSet": ["cz", "prx"],
        },
        "standardized": {
            "braketSchemaHeader": {
                "name": f"{header}standardized_gate_model_qpu_device_properties",
                "version": "1",
            },
            "oneQubitProperties": {str(k): qubit for k in range(5)},
            "twoQubitProperties": {"0-1": {"twoQubitGateFidelity": [pair]}},
        },
    }


class Amazon(Served):
    """The server and its tasks.

    `mood` is what happens to tasks from now on: "COMPLETED", "QUEUED", "FAILED", "CANCELLED" or
    "truncated". `refuse` is (status, code) of what answers every request for the service.
    """

    def __init__(self):
        self.tasks, self.log = {}, []
        self.mood, self.refuse, self.status = "COMPLETED", None, "ONLINE"
        super().__init__(_Handler)

    def accept(self, asked):
        number = f"{len(self.tasks):04d}"
        arn = f"arn:aws:braket:eu-north-1:123456789012:quantum-task/{number}"
        created = datetime.now(UTC)
        self.tasks[arn] = {**asked, "arn": arn, "mood": self.mood, "created": created}
        return {"quantumTaskArn": arn}

    def shown(self, task):
        status = {"truncated": "COMPLETED"}.get(task["mood"], task["mood"])
        number = task["arn"].rpartition("/")[2]
        found = {
            "quantumTaskArn": task["arn"],
            "status": status,
            "deviceArn": task["deviceArn"],
            "deviceParameters": task.get("deviceParameters", "{}"),
            "shots": task["shots"],
            "outputS3Bucket": task["outputS3Bucket"],
            "outputS3Directory": f"{task['outputS3KeyPrefix']}/{number}",
            "createdAt": task["created"].isoformat(),
            "tags": task.get("tags", {}),
        }
        if status in ("COMPLETED", "FAILED", "CANCELLED"):
            found["endedAt"] = (task["created"] + timedelta(seconds=90)).isoformat()
        if status == "FAILED":
            found["failureReason"] = "the fridge is warm"
        return found

    def measured(self, key):
        """The result object of a task, by the folder it is in."""
        number = key.split("/")[-2]
        task = next(task for arn, task in self.tasks.items() if arn.endswith(f"/{number}"))
        if "result" not in task:
            program = Program.parse_raw(task["action"])
            ran = StateVectorSimulator().run(program, shots=int(task["shots"]))
            task["result"] = ran.json()
        text = task["result"]
        return text[: len(text) // 2] if task["mood"] == "truncated" else text


class _Handler(Handler):
    cloud: Amazon

    def do_GET(self):
        parts = urlsplit(self.path).path.strip("/").split("/", 1)
        self._route("GET", parts, None)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._route("POST", [urlsplit(self.path).path.strip("/")], json.loads(body))

    def _route(self, method, parts, body):
        cloud = self.cloud
        cloud.log.append(f"{method} /{parts[0]}")
        if cloud.refuse and parts[0] != BUCKET:
            status, code = cloud.refuse
            self._answer(status, {"message": "no"}, code)
            return
        match method, parts:
            case "GET", ["device", arn] if unquote(arn) == ARN:
                said = {"deviceArn": ARN, "deviceName": "Loopback", "providerName": "IQM"}
                said |= {"deviceType": "QPU", "deviceStatus": cloud.status}
                said |= {"deviceCapabilities": json.dumps(capabilities())}
                self._answer(200, said)
            case "POST", ["quantum-task"]:
                self._answer(201, cloud.accept(body))
            case "POST", ["quantum-tasks"]:
                found = [cloud.shown(task) for task in cloud.tasks.values()]
                self._answer(200, {"quantumTasks": found})
            case "GET", ["quantum-task", arn] if unquote(arn) in cloud.tasks:
                self._answer(200, cloud.shown(cloud.tasks[unquote(arn)]))
            case "GET", [bucket, key] if bucket == BUCKET:
                self._send(200, cloud.measured(unquote(key)).encode())
            case _:
                self._answer(404, {"message": "no such thing"}, "ResourceNotFoundException")

    def _answer(self, status, content, code=""):
        self._send(status, json.dumps(content).encode(), code)

    def _send(self, status, body, code=""):
        self.send_response(status)
        if code:
            self.send_header("x-amzn-ErrorType", code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
