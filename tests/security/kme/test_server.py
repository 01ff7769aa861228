"""The service over loopback TLS with real certificates, and the client against it and others."""

import ssl
import time

import pytest

from qfl.core.errors import KeyExhaustedError, SecurityError, UnknownKeyError
from qfl.security.kme.certificates import make_certificates

httpx = pytest.importorskip("httpx", reason="needs the extra 'kme'")

from qfl.security.kme.client import KmeClient  # noqa: E402


def client(running, sae):
    """Our client as one SAE."""
    authority = running.folder / "ca.pem"
    return KmeClient(running.url, authority=authority, **running.files(sae))


def raw(running, sae):
    """Bare HTTP as one SAE."""
    return httpx.Client(base_url=f"{running.url}/api/v1/keys", verify=running.context(sae))


def test_two_saes_share_keys_over_mutual_tls(running):
    with client(running, "alice") as alice, client(running, "bob") as bob:
        assert alice.status("bob")["master_SAE_ID"] == "alice"
        mine = alice.enc_keys("bob", number=3, size=128)
        theirs = bob.dec_keys("alice", [key.key_id for key in reversed(mine)])
        assert [key.secret for key in reversed(theirs)] == [key.secret for key in mine]
        with pytest.raises(UnknownKeyError, match="not found on KME"):
            bob.dec_keys("alice", [mine[0].key_id])


def test_without_a_certificate_the_answer_is_401_without_body(running):
    with raw(running, None) as nobody:
        for verb, path in (("GET", "status"), ("GET", "enc_keys"), ("POST", "dec_keys")):
            answer = nobody.request(verb, f"/bob/{path}")
            assert (answer.status_code, answer.content) == (401, b"")


def test_a_certificate_of_a_stranger_does_not_connect(running, tmp_path):
    make_certificates(tmp_path, saes=["alice", "bob"])
    context = ssl.create_default_context(cafile=str(running.folder / "ca.pem"))
    context.load_cert_chain(tmp_path / "alice.pem", tmp_path / "alice.key")
    with httpx.Client(verify=context) as stranger, pytest.raises(httpx.HTTPError):
        stranger.get(f"{running.url}/api/v1/keys/bob/status")
    paths = {"certificate": tmp_path / "alice.pem", "key": tmp_path / "alice.key"}
    with (
        KmeClient(running.url, authority=tmp_path / "ca.pem", **paths) as misled,
        pytest.raises(SecurityError, match="certificates belong together"),
    ):
        misled.status("bob")


def test_the_sae_id_is_that_of_the_certificate(running):
    with client(running, "alice") as alice, client(running, "carol") as carol:
        [key] = alice.enc_keys("bob")
        with pytest.raises(SecurityError, match="401"):
            carol.dec_keys("alice", [key.key_id])
        with pytest.raises(KeyExhaustedError, match="503"):
            carol.enc_keys("alice")


def test_get_requests_of_the_standard(running):
    with raw(running, "alice") as alice, raw(running, "bob") as bob:
        made = alice.get("/bob/enc_keys", params={"number": 2, "size": 64}).json()["keys"]
        assert len(made) == 2
        for key in made:
            got = bob.get("/alice/dec_keys", params={"key_ID": key["key_ID"]})
            assert got.json() == {"keys": [key]}
        assert alice.get("/bob/enc_keys", params={"size": 100}).json() == {
            "message": "size shall be a multiple of 8"
        }
        assert alice.get("/bob/dec_keys").status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff\xfe",
        b"[" * 60_000,
        b'{"a":' * 10_000,
        b" " * 70_000,
        b"1" * 5000,
        b"[]",
        b"null",
    ],
    ids=["cut", "no utf-8", "deep list", "deep object", "long", "big number", "list", "null"],
)
def test_bodies_that_break_parsers_are_bad_requests(running, body):
    with raw(running, "alice") as alice:
        for method in ("enc_keys", "dec_keys"):
            answer = alice.post(f"/bob/{method}", content=body)
            assert answer.status_code == 400
            assert "Traceback" not in answer.text


def test_the_service_does_not_wait_for_idle_connections(start):
    with start() as service:
        idle = raw(service, "alice")
        assert idle.get("/bob/status").status_code == 200
        began = time.monotonic()
    assert time.monotonic() - began < 5
    idle.close()
