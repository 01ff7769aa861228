"""Certificates: made once, for plain names, with keys that only their owner reads."""

import pytest

from qfl.core.errors import ConfigError
from qfl.security.kme.certificates import make_certificates


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
