"""Other people's clients against our service, and our client against other people's answers.

`qkdsec` and `etsi-qkd-014-client` come from PyPI and know nothing of this suite. The answers were
recorded by the tests of a KME in Rust: github.com/thomasarmel/qkd_kme_server, tests/data and
tests/*.rs at commit 0bf5236a (MIT licence).
"""

import json

import pytest

from qfl.core.errors import SecurityError, UnknownKeyError

httpx = pytest.importorskip("httpx", reason="needs the extra 'kme'")

from qfl.security.kme.client import KmeClient  # noqa: E402

FIRST, SECOND = "8844cba7-29e1-3251-a50a-25da13e65eea", "4567f16a-843b-f659-9af6-d2126cb97e16"
KEYS = {
    FIRST: "dGhpc19pc19zZWNyZXRfa2V5XzFfb2ZfMzJfYnl0ZXM=",
    SECOND: "dGhpc19pc19zZWNyZXRfa2V5XzJfb2ZfMzJfYnl0ZXM=",
}
STATUS = {
    "source_KME_ID": "1",
    "target_KME_ID": "1",
    "master_SAE_ID": "1",
    "slave_SAE_ID": "1",
    "key_size": 256,
    "stored_key_count": 3,
    "max_key_count": 10,
    "max_key_per_request": 1,
    "max_key_size": 256,
    "min_key_size": 256,
    "max_SAE_ID_count": 0,
}


def recorded(*key_ids):
    return {"keys": [{"key_ID": key_id, "key": KEYS[key_id]} for key_id in key_ids]}


@pytest.fixture
def answering(tmp_path):
    """Return our client to a service that gives one recorded answer, printed as it prints."""

    def client(status, body):
        content = json.dumps(body, indent=2).encode()
        transport = httpx.MockTransport(lambda _: httpx.Response(status, content=content))
        paths = dict.fromkeys(("certificate", "key", "authority"), tmp_path)
        return KmeClient("https://kme.example", **paths, transport=transport)

    return client


def test_recorded_keys_are_read(answering):
    [key] = answering(200, recorded(FIRST)).enc_keys("1")
    assert (key.key_id, key.secret.reveal()) == (FIRST, b"this_is_secret_key_1_of_32_bytes")
    both = answering(200, recorded(FIRST, SECOND)).enc_keys("1", number=2, size=256)
    assert [key.key_id for key in both] == [FIRST, SECOND]
    assert answering(200, STATUS).status("1") == STATUS


def test_this_service_sends_a_key_as_often_as_it_was_asked_for(answering):
    copies = answering(200, recorded(FIRST, FIRST)).dec_keys("1", [FIRST])
    assert [key.key_id for key in copies] == [FIRST]
    with pytest.raises(SecurityError, match="twice"):
        answering(200, recorded(FIRST, FIRST)).enc_keys("1", number=2)


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (404, "Element not found"),
        (
            409,
            "There is a conflict with the requested resource, maybe resource on a remote KME "
            "are not synced",
        ),
        (412, "A precondition isn't fulfilled, maybe some configuration is missing"),
        (504, "Gateway timeout (maybe a remote KME is down)"),
    ],
)
def test_recorded_refusals_beside_the_standard_are_quoted(answering, status, message):
    service = answering(status, {"message": message})
    with pytest.raises(SecurityError) as caught:
        service.enc_keys("1")
    assert f"answers {status} to enc_keys: {message}" in str(caught.value)
    with pytest.raises(UnknownKeyError if status == 404 else SecurityError):
        service.dec_keys("1", [FIRST])


class BothEnds:
    """The master's foreign client; what a slave asks for goes out as the slave."""

    def __init__(self, master, slave):
        self._master = master
        self.get_dec_keys = lambda _, key_ids: slave.get_dec_keys("alice", key_ids=key_ids)

    def __getattr__(self, name):
        return getattr(self._master, name)


def test_the_doctor_of_qkdsec_finds_our_service_healthy(running):
    """Nine probes of ten; the tenth wants a 404, which the standard does not have."""
    doctor = pytest.importorskip("qkdsec.doctor", reason="the foreign client is not installed")
    from qkdsec.client import ETSI014Client

    alice, bob = (
        ETSI014Client(
            running.url,
            client_cert=tuple(str(path) for path in running.files(sae).values()),
            verify=str(running.folder / "ca.pem"),
        )
        for sae in ("alice", "bob")
    )
    report = doctor.run_all(BothEnds(alice, bob), "bob")
    found = {probe.name: probe for probe in report.results}
    assert len(found) == 10
    odd = found.pop("error_contract_404")
    assert (odd.status.value, odd.details) == ("warn", {"http_status": 400})
    assert {name: probe.status.value for name, probe in found.items()} == dict.fromkeys(
        found, "pass"
    )


def test_the_client_of_lip6_shares_keys_through_our_service(running):
    package = pytest.importorskip(
        "etsi_qkd_014_client", reason="the foreign client is not installed"
    )
    alice, bob = (
        package.QKD014Client(
            f"localhost:{running.port}",
            *(str(path) for path in running.files(sae).values()),
            str(running.folder / "ca.pem"),
        )
        for sae in ("alice", "bob")
    )
    status, seen = alice.get_status("bob")
    assert (status, seen.master_sae_id, seen.slave_sae_id) == (200, "alice", "bob")
    status, made = alice.get_key("bob", number=3, size=128)
    assert (status, len(made.keys)) == (200, 3)
    ids = [key.key_id for key in made.keys]
    status, copies = bob.get_key_with_key_IDs("alice", ids)
    assert status == 200
    assert [(key.key_id, key.key) for key in copies.keys] == [
        (key.key_id, key.key) for key in made.keys
    ]
    status, again = bob.get_key_with_key_IDs("alice", ids)
    assert (status, again.message) == (400, "one or more keys specified are not found on KME")
    status, wrong = alice.get_key("bob", size=100)
    assert (status, wrong.message) == (400, "size shall be a multiple of 8")
