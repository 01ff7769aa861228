"""A client that knows the standard and nothing of this suite, against our service.

Written from the text of ETSI GS QKD 014 V1.1.1 with http.client and ssl alone; each test names
the rule it holds the service to.
"""

import base64
import http.client
import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote
from uuid import UUID

import pytest

STATUS_FIELDS = {
    "source_KME_ID": str,
    "target_KME_ID": str,
    "master_SAE_ID": str,
    "slave_SAE_ID": str,
    "key_size": int,
    "stored_key_count": int,
    "max_key_count": int,
    "max_key_per_request": int,
    "max_key_size": int,
    "min_key_size": int,
    "max_SAE_ID_count": int,
}
NOT_FOUND = "one or more keys specified are not found on KME"
NOBODY = "00000000-0000-0000-0000-000000000000"


class Sae:
    """One persistent connection of one application (None: without a certificate)."""

    def __init__(self, service, name):
        self.connection = http.client.HTTPSConnection(
            "localhost", service.port, context=service.context(name), timeout=30
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def ask(self, verb, peer, method, body=None):
        """Return code, content type and body of an answer."""
        headers = {} if body is None else {"Content-Type": "application/json"}
        content = None if body is None else json.dumps(body)
        path = f"/api/v1/keys/{quote(peer, safe='')}/{method}"
        self.connection.request(verb, path, body=content, headers=headers)
        answer = self.connection.getresponse()
        return answer.status, answer.headers.get("Content-Type", ""), answer.read()

    def good(self, *request):
        """Return the JSON object of an answer that must be a success."""
        status, kind, content = self.ask(*request)
        assert status == 200, content
        assert kind.split(";")[0] == "application/json"
        return json.loads(content)

    def refused(self, *request):
        """Return code and message of an answer that must be a refusal in the standard's form."""
        status, kind, content = self.ask(*request)
        assert status in (400, 503)
        assert kind.split(";")[0] == "application/json"
        body = json.loads(content)
        assert set(body) <= {"message", "details"}
        assert isinstance(body["message"], str)
        return status, body["message"]


def container(body, *, number, size):
    """Return the keys of a key container that must hold so many of such a size."""
    assert set(body) <= {"keys", "key_container_extension"}
    assert len(body["keys"]) == number
    for key in body["keys"]:
        assert set(key) <= {"key_ID", "key_ID_extension", "key", "key_extension"}
        UUID(key["key_ID"])
        assert 8 * len(base64.b64decode(key["key"], validate=True)) == size
    assert len({key["key_ID"] for key in body["keys"]}) == number
    return body["keys"]


def ids(keys):
    return {"key_IDs": [{"key_ID": key["key_ID"]} for key in keys]}


def without(service, method):
    """Return what a caller without a certificate gets."""
    with Sae(service, None) as nobody:
        return nobody.ask("GET", "bob", method)


@pytest.fixture
def alice(running):
    with Sae(running, "alice") as sae:
        yield sae


@pytest.fixture
def bob(running):
    with Sae(running, "bob") as sae:
        yield sae


@pytest.fixture
def size(alice):
    return alice.good("GET", "bob", "status")["key_size"]


def test_tls_is_1_2_or_newer(alice):
    alice.connection.connect()
    assert alice.connection.sock.version() in ("TLSv1.2", "TLSv1.3")


@pytest.mark.parametrize("method", ["status", "enc_keys", "dec_keys", "anything"])
def test_without_a_certificate_401_and_no_body(running, method):
    assert without(running, method)[::2] == (401, b"")


def test_status(alice):
    status = alice.good("GET", "bob", "status")
    assert {name: type(value) for name, value in status.items()} == STATUS_FIELDS
    assert (status["master_SAE_ID"], status["slave_SAE_ID"]) == ("alice", "bob")
    assert status["min_key_size"] <= status["key_size"] <= status["max_key_size"]
    assert 0 < status["stored_key_count"] <= status["max_key_count"]


def test_one_key_of_the_default_size_if_nothing_is_asked(alice, size):
    container(alice.good("POST", "bob", "enc_keys", {}), number=1, size=size)
    container(alice.good("GET", "bob", "enc_keys"), number=1, size=size)


def test_number_and_size_in_a_query_or_in_a_body(alice):
    container(alice.good("GET", "bob", "enc_keys?number=3&size=64"), number=3, size=64)
    body = {"number": 3, "size": 128, "additional_slave_SAE_IDs": [], "extension_mandatory": []}
    container(alice.good("POST", "bob", "enc_keys", body), number=3, size=128)


def test_optional_extensions_may_be_ignored(alice, size):
    body = {"extension_optional": [{"abc_route_type": "direct"}]}
    container(alice.good("POST", "bob", "enc_keys", body), number=1, size=size)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"size": 65}, "size shall be a multiple of 8"),
        ({"extension_mandatory": [{"x": 1}]}, "not all extension_mandatory parameters"),
        ({"additional_slave_SAE_IDs": ["carol"]}, "additional_slave_SAE_IDs"),
        ({"number": "many"}, "number"),
        ({"size": 0}, "size"),
        ([], "object"),
    ],
)
def test_bad_requests_for_keys(alice, body, message):
    status, said = alice.refused("POST", "bob", "enc_keys", body)
    assert status == 400
    assert message in said


def test_limits_of_the_status_hold(alice):
    limits = alice.good("GET", "bob", "status")
    for body in (
        {"number": limits["max_key_per_request"] + 1},
        {"size": limits["max_key_size"] + 8},
        {"size": limits["min_key_size"] - 8},
    ):
        assert alice.refused("POST", "bob", "enc_keys", body)[0] == 400


def test_the_slave_gets_the_same_keys_once(alice, bob, size):
    made = container(alice.good("POST", "bob", "enc_keys", {"number": 4}), number=4, size=size)
    asked = {"key_IDs": ids(made[:2])["key_IDs"], "key_IDs_extension": {"x": 1}}
    asked["key_IDs"][0]["key_ID_extension"] = {"y": 2}
    got = container(bob.good("POST", "alice", "dec_keys", asked), number=2, size=size)
    assert got == made[:2]
    for key in made[2:]:
        one = bob.good("GET", "alice", f"dec_keys?key_ID={key['key_ID']}")
        assert container(one, number=1, size=size) == [key]
    for key in made:
        assert bob.refused("POST", "alice", "dec_keys", ids([key])) == (400, NOT_FOUND)


def test_either_end_may_be_master(alice, bob, size):
    made = container(bob.good("POST", "alice", "enc_keys", {}), number=1, size=size)
    assert alice.good("POST", "bob", "dec_keys", ids(made))["keys"] == made


def test_keys_that_are_not_there_spoil_the_request(alice, bob, size):
    made = container(alice.good("POST", "bob", "enc_keys", {}), number=1, size=size)
    asked = ids([*made, {"key_ID": NOBODY}])
    assert bob.refused("POST", "alice", "dec_keys", asked) == (400, NOT_FOUND)
    assert bob.good("POST", "alice", "dec_keys", ids(made))["keys"] == made


def test_who_was_not_named_as_slave_is_unauthorised(running, alice, bob):
    made = alice.good("POST", "bob", "enc_keys", {})["keys"]
    with Sae(running, "carol") as carol:
        assert carol.ask("POST", "alice", "dec_keys", ids(made))[::2] == (401, b"")
    assert alice.ask("POST", "bob", "dec_keys", ids(made))[::2] == (401, b"")
    assert bob.good("POST", "alice", "dec_keys", ids(made))["keys"] == made


@pytest.mark.parametrize("body", [{}, {"key_IDs": []}, {"key_IDs": [{"key_ID": "x"}]}, "text"])
def test_bad_requests_by_id(bob, body):
    assert bob.refused("POST", "alice", "dec_keys", body)[0] == 400


def test_an_empty_link_is_503_and_says_so(running):
    with Sae(running, "carol") as carol:
        assert carol.good("GET", "alice", "status")["stored_key_count"] == 0
        status, message = carol.refused("POST", "alice", "enc_keys", {"number": 1})
        assert status == 503
        assert message


def test_there_is_no_404(alice):
    for verb, peer, method in (
        ("GET", "bob", "keys"),
        ("GET", "bob", "status/"),
        ("PUT", "bob", "enc_keys"),
        ("DELETE", "bob", "status"),
        ("GET", "stranger", "status"),
        ("GET", "bob/status/x", "status"),
    ):
        assert alice.refused(verb, peer, method)[0] == 400


def test_a_head_request_spends_no_key(alice):
    before = alice.good("GET", "bob", "status")["stored_key_count"]
    for method in ("enc_keys", "dec_keys", "status"):
        assert alice.ask("HEAD", "bob", method)[0] == 400
    assert alice.good("GET", "bob", "status")["stored_key_count"] == before


def test_a_connection_outlives_refusals(alice):
    for _ in range(3):
        assert alice.refused("POST", "bob", "enc_keys", {"size": 1})[0] == 400
        socket = alice.connection.sock
        assert alice.good("GET", "bob", "status")
        assert alice.connection.sock is socket


def test_a_hundred_connections_ask_for_one_key_and_one_gets_it(running, alice):
    """Each over its own mutual TLS; all of them are connected before the first asks."""
    [made] = alice.good("POST", "bob", "enc_keys", {})["keys"]
    connected = threading.Barrier(100, timeout=120)

    def ask(_):
        with Sae(running, "bob") as bob:
            bob.connection.connect()
            connected.wait()
            status, _, content = bob.ask("POST", "alice", "dec_keys", ids([made]))
            return status, made["key"].encode() in content

    with ThreadPoolExecutor(100) as executor:
        answers = Counter(executor.map(ask, range(100)))
    assert answers == {(200, True): 1, (400, False): 99}
