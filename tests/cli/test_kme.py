"""`qfl kme init` and `qfl kme serve`, as two applications would use them."""

import re
import resource
import signal
import subprocess
import sys

import pytest

QFL = [sys.executable, "-m", "qfl"]


def test_init_makes_certificates_and_says_where(qfl, here):
    done = qfl("kme", "init", "keys", "--sae", "alice", "--sae", "bob")
    assert done.code == 0
    assert done.out.split() == [
        f"keys/{name}"
        for name in ("ca.pem", "kme.pem", "kme.key", "alice.pem", "alice.key", "bob.pem", "bob.key")
    ]
    again = qfl("kme", "init", "keys", "--sae", "alice", "--sae", "bob")
    assert again.code == 2
    assert "already" in again.err


def test_one_application_shares_with_nobody(qfl):
    done = qfl("kme", "init", "keys", "--sae", "alice")
    assert done.code == 2
    assert "two or more" in done.err


def test_serve_without_certificates_says_what_to_do(qfl):
    pytest.importorskip("uvicorn", reason="needs the extra 'kme'")
    done = qfl("kme", "serve", "nowhere")
    assert done.code == 2
    assert "qfl kme init" in done.err


def test_a_key_survives_the_service(qfl, here):
    """Fetched by its master before an interrupt, by its slave after it, and then never again."""
    pytest.importorskip("uvicorn", reason="needs the extra 'kme'")
    pytest.importorskip("httpx", reason="needs the extra 'kme'")
    from qfl.core.errors import UnknownKeyError
    from qfl.security.kme.client import KmeClient

    qfl("kme", "init", "keys", "--sae", "alice", "--sae", "bob")

    def served(sae, use):
        command = [*QFL, "kme", "serve", "keys", "--port", "0", "--stored-keys", "3"]
        with subprocess.Popen(
            command,
            stderr=subprocess.PIPE,
            text=True,
            cwd=here,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # ignored under nohup
        ) as service:
            try:
                port = re.search(r"https://[\d.]+:(\d+)", service.stderr.readline()).group(1)
                assert "no real-world secrecy" in service.stderr.readline()
                assert resource.prlimit(service.pid, resource.RLIMIT_CORE) == (0, 0)
                paths = {
                    "certificate": here / f"keys/{sae}.pem",
                    "key": here / f"keys/{sae}.key",
                    "authority": here / "keys/ca.pem",
                }
                with KmeClient(f"https://localhost:{port}", **paths) as client:
                    return use(client)
            finally:
                service.send_signal(signal.SIGINT)
                assert service.wait(timeout=10) == 130

    [mine] = served("alice", lambda client: client.enc_keys("bob"))
    assert (here / "keys/pools/alice+bob/ledger.jsonl").exists()

    def fetch_twice(client):
        [copy] = client.dec_keys("alice", [mine.key_id])
        with pytest.raises(UnknownKeyError):
            client.dec_keys("alice", [mine.key_id])
        return copy

    assert served("bob", fetch_twice).secret == mine.secret


def test_keys_expire_in_the_service(qfl):
    done = qfl("kme", "serve", "nowhere", "--key-lifetime-seconds", "0")
    assert done.code == 2
    assert "lifetime of 0.0 s" in done.err
