"""The account at IBM as the adapter "ibm" needs it: the connection, and errors in words.

Credentials come from the vendor's account file or its environment variables and from nowhere else;
they and the account's number are taken out of every message.
"""

from __future__ import annotations

import logging
import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from qiskit.exceptions import QiskitError
from qiskit.providers.exceptions import QiskitBackendNotFoundError
from qiskit_ibm_runtime import QiskitRuntimeService
from qiskit_ibm_runtime.accounts.exceptions import AccountNotFoundError, InvalidAccountError

from qfl.core.errors import BackendError, JobRefusedError


class NotThereError(JobRefusedError):
    """The cloud has answered, and will not answer otherwise if it is asked again."""


@lru_cache(maxsize=1)
def service() -> Any:
    """Return the connection that the account file or the environment describes."""
    return QiskitRuntimeService()


@contextmanager
def plain_words(name: str) -> Iterator[None]:
    """Turn what the client raises into one sentence without the token in it."""
    try:
        with warnings.catch_warnings(), _quiet():
            warnings.simplefilter("ignore")  # limits and deprecations of the client
            yield
    except AccountNotFoundError:
        raise BackendError(
            f"{name} needs credentials: set QISKIT_IBM_TOKEN and QISKIT_IBM_INSTANCE, or save an "
            "account once with QiskitRuntimeService.save_account"
        ) from None
    except QiskitBackendNotFoundError:
        raise _not_found(name) from None
    except (QiskitError, InvalidAccountError) as error:
        raise _explained(name, error) from None
    except (ValueError, KeyError, TypeError) as error:
        raise BackendError(
            f"{name} answered what its client does not understand ({type(error).__name__}); such "
            "answers are often a gateway's and pass: try again later"
        ) from None


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the client from logging what its errors say too, account numbers included.

    Whoever sets the vendor's own variable for the level of its log gets that log.
    """
    log = logging.getLogger("qiskit_ibm_runtime")
    level = log.level
    if "QISKIT_IBM_RUNTIME_LOG_LEVEL" not in os.environ:
        log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(level)


def _not_found(name: str) -> BackendError:
    """Return why a device is missing: the client says so too when it may not look."""
    try:
        service().usage()
    except QiskitError as error:
        return _explained(name, error)
    return NotThereError(
        f"{name} is not a device of this account; check the name and QISKIT_IBM_INSTANCE"
    )


def _explained(name: str, error: Exception) -> BackendError:
    """Return what went wrong; a refusal only where the cloud has answered."""
    text = " ".join(str(error).split())
    status = re.search(r"\b(\d{3}) Client Error", text)
    code = status.group(1) if status else ""
    if code == "429":
        return JobRefusedError(
            f"{name} takes no more requests at the moment (429: too many); try again later"
        )
    if code == "401" or isinstance(error, InvalidAccountError):
        return JobRefusedError(
            f"{name} does not accept the credentials: the token is wrong or has expired"
        )
    said = re.search(r"for url: \S+ (.+?)\.?, Error code", text)
    text = _redacted(said.group(1) if said else text)
    if code and code != "408":
        return NotThereError(f"{name} refuses ({code}): {text}")
    return BackendError(f"{name}: {text}")


def _redacted(text: str) -> str:
    """Return a message without the token of the account, and without the account's number."""
    token = service().active_account().get("token", "") if service.cache_info().currsize else ""
    return re.sub(r"crn:[^\s'\"]+", "crn:***", text.replace(token, "***") if token else text)
