"""Amazon's cloud as the adapter "braket" needs it: devices, tasks, results, errors in words.

Only the vendor's client is used, with the vendor's own credentials and endpoints. No message
carries a secret.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC
from functools import lru_cache
from typing import Any

import boto3
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
)
from braket.aws import AwsDevice, AwsQuantumTask, AwsSession
from braket.circuits import Circuit
from braket.device_schema import DeviceActionType

from qfl.backends.calibration import Calibration, PairCalibration, QubitCalibration
from qfl.backends.jobs import undamaged
from qfl.core.errors import BackendError, JobRefusedError

_BUSY = {"ThrottlingException", "TooManyRequestsException", "ServiceQuotaExceededException"}
_EXPIRED = {"ExpiredTokenException", "ExpiredToken", "RequestExpired"}
_UNKNOWN = {
    "UnrecognizedClientException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "InvalidAccessKeyId",
}
_UNITS = {"s": 1.0, "S": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}


def opened(arn: str) -> Any:
    """Return the device, as it is now.

    Raises:
        JobRefusedError: no credentials, or no such device.
    """
    with plain_words(f"braket:{arn}"):
        return AwsDevice(arn, aws_session=_session(arn))


def qubits(device: Any) -> int:
    """Return how many qubits a device has."""
    return int(device.properties.paradigm.qubitCount)


def gates(device: Any) -> frozenset[str]:
    """Return the gates that a device takes, by Braket's names."""
    action = device.properties.action[DeviceActionType.OPENQASM]
    return frozenset(name.lower() for name in action.supportedOperations)


def create(device: Any, circuit: Circuit, shots: int, tags: dict[str, str], results: str) -> str:
    """Return the ARN of the accepted task.

    Args:
        device: as `opened` returns it.
        circuit: bound.
        shots: at least 1.
        tags: to find the task again.
        results: "s3://bucket/folder", or "" for the vendor's default.

    Raises:
        JobRefusedError: the cloud did not take it, and why.
        BackendError: it is not known whether the cloud took it.
    """
    folder = AwsSession.parse_s3_uri(results) if results else None
    with plain_words(f"braket:{device.arn}"):
        return str(device.run(circuit, folder, shots=shots, tags=tags, quiet=True).id)


def cancel(name: str, arn: str) -> None:
    """Give up a task of the backend `name`."""
    with plain_words(name):
        _session(arn).cancel_quantum_task(arn)


def tagged(arn: str, key: str, value: str) -> tuple[str, ...]:
    """Return the ARNs of the device's tasks with a tag."""
    with plain_words(f"braket:{arn}"):
        client = _session(arn).braket_client
        pages = client.get_paginator("search_quantum_tasks").paginate(
            filters=[{"name": "deviceArn", "operator": "EQUAL", "values": [arn]}]
        )
        return tuple(
            str(task["quantumTaskArn"])
            for page in pages
            for task in page["quantumTasks"]
            if task.get("tags", {}).get(key) == value
        )


def task(name: str, arn: str) -> dict[str, Any]:
    """Return what the cloud says about a task of the backend `name`."""
    with plain_words(name):
        return dict(_session(arn).get_quantum_task(arn))


def result(name: str, arn: str) -> Any:
    """Return the result of a completed task of the backend `name`.

    Raises:
        BackendError: it arrived damaged.
    """
    with plain_words(name):
        return undamaged(lambda: _read(arn), arn)


def _read(arn: str) -> Any:
    found = AwsQuantumTask(arn, aws_session=_session(arn), quiet=True).result()
    if found is None or not len(found.measurements):
        raise ValueError("empty")
    return found


def simulator_seconds(result: Any) -> float | None:
    """Return the run time that a result reports; machines of Braket report none."""
    metadata = getattr(result.additional_metadata, "simulatorMetadata", None)
    milliseconds = getattr(metadata, "executionDuration", None)
    return None if milliseconds is None else float(milliseconds) / 1000


def lifetime(task: Mapping[str, Any]) -> float:
    """Return the seconds from the creation of a task to its end, 0 if they are not reported."""
    if "endedAt" not in task:
        return 0.0
    return float((task["endedAt"] - task["createdAt"]).total_seconds())


def calibrated(device: Any) -> Calibration:
    """Return what a device reports about all of its qubits and pairs; Braket reports no layout."""
    properties = getattr(device.properties, "standardized", None)
    updated = device.properties.service.updatedAt
    singles = getattr(properties, "oneQubitProperties", None) or {}
    pairs = getattr(properties, "twoQubitProperties", None) or {}
    return Calibration(
        device=device.arn,
        time=updated.astimezone(UTC).isoformat() if updated else "",
        qubits=tuple(_qubit(int(qubit), each) for qubit, each in singles.items()),
        pairs=tuple(pair for on, each in pairs.items() for pair in _pairs(on, each)),
    )


def _qubit(qubit: int, reported: Any) -> QubitCalibration:
    errors = {each.fidelityType.name: 1 - each.fidelity for each in reported.oneQubitFidelity}
    return QubitCalibration(
        qubit=qubit,
        t1_seconds=_seconds(reported.T1),
        t2_seconds=_seconds(reported.T2),
        gate_error=errors.get("RANDOMIZED_BENCHMARKING"),
        readout_error=errors.get("READOUT"),
        read_1_given_0=errors.get("READOUT_ERROR_0_TO_1"),
        read_0_given_1=errors.get("READOUT_ERROR_1_TO_0"),
    )


def _pairs(on: str, reported: Any) -> Iterator[PairCalibration]:
    first, _, second = on.partition("-")
    for each in reported.twoQubitGateFidelity:
        name = each.gateName.lower()
        yield PairCalibration(name, (int(first), int(second)), 1 - each.fidelity, None)


def _seconds(time: Any) -> float | None:
    return float(time.value) * _UNITS[time.unit] if time.unit in _UNITS else None


def _session(arn: str) -> AwsSession:
    """Return a connection to the region that an ARN names, or to the user's own."""
    return connection(arn.split(":")[3] or os.environ.get("AWS_REGION", ""))


@lru_cache(maxsize=8)
def connection(region: str) -> AwsSession:
    """Return a connection to a region, "" for the one that the user's files name."""
    return AwsSession(boto_session=boto3.Session(region_name=region or None))


@contextmanager
def plain_words(name: str) -> Iterator[None]:
    """Turn what the client raises into one sentence; a refusal only where the cloud answered."""
    try:
        yield
    except (NoCredentialsError, PartialCredentialsError, ProfileNotFound):
        raise JobRefusedError(
            f"{name} needs credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run "
            "`aws configure` once"
        ) from None
    except NoRegionError:
        raise JobRefusedError(
            f"{name} needs a region: set AWS_REGION, for instance to us-east-1"
        ) from None
    except ClientError as error:
        raise _explained(name, error) from None
    except BotoCoreError as error:
        raise BackendError(f"{name}: {' '.join(str(error).split())}") from None
    except ValueError as error:
        if "not found" not in str(error):
            raise
        raise JobRefusedError(
            f"{name} is not a device of this account; check the ARN and its region"
        ) from None


def _explained(name: str, error: ClientError) -> BackendError:
    code = error.response.get("Error", {}).get("Code", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _BUSY or status == 429:
        return JobRefusedError(f"{name} takes no more requests at the moment ({code}); try later")
    if code in _EXPIRED:
        return JobRefusedError(f"{name} does not accept the credentials: the token has expired")
    if code in _UNKNOWN:
        return JobRefusedError(f"{name} does not accept the credentials: they are wrong")
    text = " ".join(error.response.get("Error", {}).get("Message", "").split())
    if 400 <= status < 500:
        return JobRefusedError(f"{name} refuses ({code}): {text}")
    return BackendError(f"{name} had an error ({code}): {text}")
