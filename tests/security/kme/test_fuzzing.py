"""Whatever reaches the service: a code of the standard, no traceback, no key but to whom it is due.

Requests are drawn by hypothesis from the standard's shapes outward to noise; raw bytes go past the
HTTP library too. The pool's material is known to the tests, which look for it in every answer.
"""

import base64
import http.client
import json
import socket
from contextlib import suppress
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qfl.core.errors import DiskFullError
from qfl.security.kme import KeyManager

CODES = {200, 400, 401, 503}
LAST_REQUEST = (
    b"GET /api/v1/keys/bob/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
)
RUNS = settings(max_examples=150)

text = st.text(st.characters(codec="utf-8"), max_size=12)
numbers = st.integers(-1, 200) | st.sampled_from([0, 64, 256, 1024, 2**31, 10**400])
values = st.recursive(
    st.none() | st.booleans() | numbers | st.floats() | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)
key_ids = st.uuids().map(str) | text | values
requests = st.fixed_dictionaries(
    {},
    optional={
        "number": numbers | values,
        "size": numbers | values,
        "additional_slave_SAE_IDs": st.lists(text, max_size=2) | values,
        "extension_mandatory": st.lists(st.dictionaries(text, values, max_size=2)) | values,
        "extension_optional": st.lists(st.dictionaries(text, values, max_size=2)) | values,
        "key_IDs": st.lists(st.fixed_dictionaries({"key_ID": key_ids}), max_size=3) | values,
    },
)
bodies = (requests | values).map(lambda value: json.dumps(value).encode()) | st.binary(max_size=60)
peers = st.sampled_from(["alice", "bob", "carol", "", "..", "%00", "b\u00f6b"]) | text
methods = st.sampled_from(["status", "enc_keys", "dec_keys", "enc_keys/", "STATUS", ""]) | text
queries = st.dictionaries(
    st.sampled_from(["number", "size", "key_ID", "x"]),
    numbers.map(lambda n: str(n % 10**50)) | text,
    max_size=3,
)


def spellings(material):
    """Return how a piece of a key may be spelled, at any offset."""
    found = []
    for start in range(0, len(material) - 24, 8):
        piece = material[start : start + 12]
        found += [piece, piece.hex().encode(), repr(piece)[2:-1].encode()]
        for shift in range(3):
            found.append(base64.b64encode(material[start + shift : start + shift + 12]))
    return found


def refused_cleanly(running, status, content):
    assert status in CODES
    assert b"Traceback" not in content
    if status != 200:
        assert not any(spelling in content for spelling in running.spellings)


@pytest.fixture(scope="module")
def service(running):
    running.spellings = spellings(running.material)
    return running


@given(
    sae=st.sampled_from([None, "alice", "carol"]),
    verb=st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE"]),
    peer=peers,
    method=methods,
    query=queries,
    body=bodies,
)
@RUNS
@pytest.mark.property
def test_any_request(service, sae, verb, peer, method, query, body):
    connection = http.client.HTTPSConnection(
        "localhost", service.port, context=service.context(sae), timeout=30
    )
    path = f"/api/v1/keys/{quote(peer, safe='%')}/{quote(method)}?{urlencode(query)}"
    try:
        connection.request(verb, path, body=body)
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    refused_cleanly(service, answer.status, content)
    if sae is None:
        assert (answer.status, content) == (401, b"")
    if sae == "carol":
        assert b'"key"' not in content


@given(
    st.binary(min_size=1, max_size=200)
    | st.builds("{} {} HTTP/{}\r\n{}\r\n\r\n".format, text, text, text, text).map(str.encode)
)
@settings(RUNS, max_examples=60)
@pytest.mark.property
def test_any_bytes(service, noise):
    """What is no HTTP gets a 400, and the service goes on."""
    content = b""
    with (
        socket.create_connection(("localhost", service.port), timeout=30) as plain,
        service.context("alice").wrap_socket(plain, server_hostname="localhost") as secure,
        suppress(OSError),
    ):
        secure.sendall(noise + b"\r\n\r\n" + LAST_REQUEST)
        while received := secure.recv(1 << 16):
            content += received
    assert content == b"" or int(content.split(b" ")[1]) in CODES
    assert b"Traceback" not in content
    assert not any(spelling in content for spelling in service.spellings)


def test_a_service_that_cannot_record_answers_503_and_delivers_nothing(start, make_pool, caplog):
    """A full disk, for one."""
    pool = make_pool(("alice", "bob"), b"planted-key-material-0123456789!" * 8)

    def full(*_):
        raise DiskFullError("/pool cannot be written")

    pool.ledger.append = full
    with start(KeyManager({pool.ends: pool})) as service:
        connection = http.client.HTTPSConnection(
            "localhost", service.port, context=service.context("alice")
        )
        connection.request("POST", "/api/v1/keys/bob/enc_keys", body="{}")
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
    assert answer.status == 503
    assert json.loads(content) == {"message": "the KME cannot serve keys now"}
    assert pool.bits_left == 8 * 256
    assert "planted" not in caplog.text
