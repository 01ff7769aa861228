"""The service over loopback TLS with real certificates, and the client against it and others."""

import base64
import json
import ssl
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qfl.core.errors import (
    ConfigError,
    KeyExhaustedError,
    SecurityError,
    UnknownKeyError,
)
from qfl.security.keys import KeyPool, Secret
from qfl.security.kme import KeyManager
from qfl.security.kme.certificates import make_certificates
from qfl.security.kme.source import pools_in, sae_ids

httpx = pytest.importorskip("httpx", reason="needs the extra 'kme'")
pytest.importorskip("starlette", reason="needs the extra 'kme'")
pytest.importorskip("uvicorn", reason="needs the extra 'kme'")

from qfl.security.kme.client import KmeClient  # noqa: E402
from qfl.security.kme.server import server  # noqa: E402


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kme")
    make_certificates(folder, saes=["alice", "bob", "carol"])
    return folder


class Running:
    """A service in a thread."""

    def __init__(self, folder: Path, bits: int = 1 << 16):
        self.folder = folder
        material = np.random.default_rng(0).bytes(bits // 8)
        self.pool = KeyPool(("alice", "bob"), run="kme", capacity_bits=1 << 20)
        self.pool.produce({end: Secret(material) for end in ("alice", "bob")})
        other = KeyPool(("alice", "carol"), run="kme", capacity_bits=1 << 20)
        pools = {("alice", "bob"): self.pool, ("alice", "carol"): other}
        self.service = server(KeyManager(pools), folder=folder, port=0)
        self.thread = threading.Thread(target=self.service.run)

    def __enter__(self):
        self.thread.start()
        while not self.service.started:
            time.sleep(0.01)
        port = self.service.servers[0].sockets[0].getsockname()[1]
        self.url = f"https://localhost:{port}"
        return self

    def __exit__(self, *_):
        self.service.should_exit = True
        self.thread.join(timeout=10)
        assert not self.thread.is_alive()

    def client(self, sae: str) -> KmeClient:
        paths = {"certificate": self.folder / f"{sae}.pem", "key": self.folder / f"{sae}.key"}
        return KmeClient(self.url, authority=self.folder / "ca.pem", **paths)

    def raw(self, sae: str | None) -> "httpx.Client":
        context = ssl.create_default_context(cafile=str(self.folder / "ca.pem"))
        if sae:
            context.load_cert_chain(self.folder / f"{sae}.pem", self.folder / f"{sae}.key")
        return httpx.Client(base_url=f"{self.url}/api/v1/keys", verify=context)


@pytest.fixture(scope="module")
def running(certificates):
    with Running(certificates) as service:
        yield service


def test_two_saes_share_keys_over_mutual_tls(running):
    with running.client("alice") as alice, running.client("bob") as bob:
        assert alice.status("bob")["master_SAE_ID"] == "alice"
        mine = alice.enc_keys("bob", number=3, size=128)
        theirs = bob.dec_keys("alice", [key.key_id for key in reversed(mine)])
        assert [key.secret for key in reversed(theirs)] == [key.secret for key in mine]
        with pytest.raises(UnknownKeyError, match="not found on KME"):
            bob.dec_keys("alice", [mine[0].key_id])


def test_without_a_certificate_the_answer_is_401_without_body(running):
    with running.raw(None) as nobody:
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
    with running.client("alice") as alice, running.client("carol") as carol:
        [key] = alice.enc_keys("bob")
        with pytest.raises(SecurityError, match="401"):
            carol.dec_keys("alice", [key.key_id])
        with pytest.raises(KeyExhaustedError, match="503"):
            carol.enc_keys("alice")


def test_get_requests_of_the_standard(running):
    with running.raw("alice") as alice, running.raw("bob") as bob:
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
    with running.raw("alice") as alice:
        for method in ("enc_keys", "dec_keys"):
            answer = alice.post(f"/bob/{method}", content=body)
            assert answer.status_code == 400
            assert "Traceback" not in answer.text


@given(
    verb=st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH"]),
    peer=st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=12),
    method=st.sampled_from(["status", "enc_keys", "dec_keys", "enc_keys/", "keys", ""]),
    query=st.dictionaries(st.sampled_from(["number", "size", "key_ID", "x"]), st.text(max_size=6)),
    body=st.binary(max_size=40),
)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@pytest.mark.property
def test_no_request_makes_the_service_fail(running, verb, peer, method, query, body):
    from urllib.parse import quote

    stored = base64.b64encode(np.random.default_rng(0).bytes(1 << 13))
    with running.raw("alice") as alice:
        path = f"/{quote(peer, safe='')}/{method}"
        answer = alice.request(verb, path, params=query, content=body)
    assert answer.status_code in (200, 307, 400, 401, 404, 405, 503)
    if answer.status_code != 200:
        assert not any(stored[i : i + 12] in answer.content for i in range(len(stored) - 12))
    assert "Traceback" not in answer.text


def test_old_tls_is_refused(running):
    context = ssl.create_default_context(cafile=str(running.folder / "ca.pem"))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("DEFAULT")
    with httpx.Client(verify=context) as client:
        assert client.get(f"{running.url}/api/v1/keys/bob/status").status_code == 401


def recorded(status=200, body=None, kind="application/json"):
    """A foreign KME's answer, whatever is asked."""

    def answer(request):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return httpx.Response(status, content=content, headers={"content-type": kind})

    nowhere = Path("unused.pem")
    return KmeClient(
        "https://kme.example",
        certificate=nowhere,
        key=nowhere,
        authority=nowhere,
        transport=httpx.MockTransport(answer),
    )


EXAMPLE = {
    "keys": [
        {
            "key_ID": "bc490419-7d60-487f-adc1-4ddcc177c139",
            "key": "wHHVxRwDJs3/bXd38GHP3oe4svTuRpZS0yCC7x4Ly+s=",
            "key_ID_extension": {"vendor": 1},
        },
        {
            "key_ID": "0a782fb5-3434-48fe-aa4d-14f41d46cf92",
            "key": "OeGMPxh1+2RpJpNCYixWHFLYRubpOKCw94FcCI7VdJA=",
        },
    ],
    "key_container_extension": {"vendor": "x"},
}


def test_the_client_reads_the_example_of_the_standard():
    """ETSI GS QKD 014 V1.1.1, clause 6.3, with extensions of a vendor."""
    ids = [key["key_ID"] for key in EXAMPLE["keys"]]
    keys = recorded(body=EXAMPLE).dec_keys("sae", ids)
    assert [key.key_id for key in keys] == ids
    assert [key.secret.bits for key in keys] == [256, 256]
    assert len(recorded(body=EXAMPLE).enc_keys("sae", number=2, size=256)) == 2


@pytest.mark.parametrize(
    ("status", "method", "error"),
    [
        (400, "dec_keys", UnknownKeyError),
        (404, "dec_keys", UnknownKeyError),
        (400, "enc_keys", SecurityError),
        (401, "enc_keys", SecurityError),
        (503, "enc_keys", KeyExhaustedError),
        (500, "enc_keys", SecurityError),
        (302, "enc_keys", SecurityError),
    ],
)
@pytest.mark.parametrize(
    ("body", "kind"), [({"message": "vendor text"}, "application/json"), (b"<html>", "text/html")]
)
def test_the_client_understands_refusals(status, method, error, body, kind):
    client = recorded(status, body, kind)
    with pytest.raises(error, match=str(status)):
        client.dec_keys("s", ["k"]) if method == "dec_keys" else client.enc_keys("s")


@pytest.mark.parametrize(
    "body",
    [
        b"no json",
        [],
        {},
        {"keys": {}},
        {"keys": [3]},
        {"keys": [{"key_ID": "k"}]},
        {"keys": [{"key_ID": "k", "key": "*"}]},
        {"keys": []},
    ],
)
def test_the_client_uses_nothing_of_an_odd_answer(body):
    with pytest.raises(SecurityError):
        recorded(body=body).enc_keys("s")
    with pytest.raises(SecurityError):
        recorded(body=body).dec_keys("s", ["k"])


def test_the_client_wants_what_it_asked_for():
    with pytest.raises(SecurityError, match="asked for"):
        recorded(body=EXAMPLE).enc_keys("s", number=2, size=128)
    with pytest.raises(SecurityError, match="asked for"):
        recorded(body=EXAMPLE).dec_keys("s", ["another"])


def test_pools_of_a_folder_go_on(certificates):
    assert sae_ids(certificates) == ["alice", "bob", "carol"]
    pools = pools_in(certificates, capacity_bits=4096)
    assert set(pools) == {("alice", "bob"), ("alice", "carol"), ("bob", "carol")}
    with pytest.raises(ConfigError, match="qfl kme init"):
        sae_ids(certificates / "pools")


def test_certificates_are_made_once_and_for_plain_names(tmp_path):
    made = make_certificates(tmp_path / "one", saes=["alice"])
    assert {path.name for path in made} == {
        "ca.pem",
        "kme.pem",
        "kme.key",
        "alice.pem",
        "alice.key",
    }
    assert all(path.stat().st_mode & 0o077 == 0 for path in made if path.suffix == ".key")
    with pytest.raises(ConfigError, match="already"):
        make_certificates(tmp_path / "one", saes=["bob"])
    for bad in (["../x"], ["kme"], ["a", "a"], [""]):
        with pytest.raises(ConfigError, match="SAE id"):
            make_certificates(tmp_path / "two", saes=bad)
