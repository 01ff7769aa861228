"""The state machine: what a lying server gets, and what nobody accepts."""

import copy

import numpy as np
import pytest

from qfl.core.errors import CohortError, ConfigError, SecurityError, TamperedError
from qfl.security.masking import Cohort, MaskingClient, MaskingServer, kem_pair_keys
from tests.security.masking.party import NAMES, masked, party, shared


def test_no_split_story_gives_a_server_both_secrets_of_a_client():
    """It tells some clients that "a" delivered and the others that it dropped out; every split."""
    for told in range(2 ** len(NAMES[1:])):
        cohort, clients, _ = masked()
        seen = {"self": {}, "vault": {}}
        for index, name in enumerate(NAMES[1:]):
            gone = frozenset("a") if told >> index & 1 else frozenset()
            reveal = clients[name].reveal(frozenset(NAMES) - gone, gone)
            point = cohort.holders("a").index(name) + 1
            if "a" in reveal.self_seeds:
                seen["self"][point] = reveal.self_seeds["a"]
            if "a" in reveal.vault_keys:
                seen["vault"][point] = reveal.vault_keys["a"]
        assert min(len(seen["self"]), len(seen["vault"])) < cohort.threshold


def test_a_client_answers_once_and_never_both():
    _, clients, _ = masked()
    everyone = frozenset(NAMES)
    with pytest.raises(SecurityError, match="both secrets of 'b'"):
        clients["a"].reveal(everyone, frozenset("b"))
    with pytest.raises(SecurityError, match="leave out 'a'"):
        clients["a"].reveal(everyone - {"a"}, frozenset("a"))
    with pytest.raises(SecurityError, match="leave out"):
        clients["a"].reveal(everyone - {"b"}, frozenset())
    with pytest.raises(CohortError, match="nothing was revealed"):
        clients["a"].reveal(frozenset("ab"), frozenset("cde"))
    clients["a"].reveal(everyone, frozenset())
    with pytest.raises(SecurityError, match="every step happens once"):
        clients["a"].reveal(everyone - {"b"}, frozenset("b"))


def test_moved_and_changed_shares_are_found():
    _, clients, server = party()
    inboxes = server.route([c.share() for c in clients.values()])
    moved = {**inboxes["a"], "b": inboxes["c"]["b"]}
    with pytest.raises(TamperedError):
        clients["a"].receive(moved)
    changed = {**inboxes["a"], "b": bytes(len(inboxes["a"]["b"]))}
    with pytest.raises(TamperedError):
        clients["a"].receive(changed)
    clients["a"].receive(inboxes["a"])
    with pytest.raises(SecurityError, match="once"):
        clients["a"].receive(inboxes["a"])
    with pytest.raises(SecurityError, match="no neighbour"):
        clients["b"].receive({"z": b""})


def test_steps_come_in_order():
    _, clients, server = party()
    with pytest.raises(SecurityError, match="no shares"):
        clients["a"].mask(np.zeros(2, np.uint16))
    with pytest.raises(SecurityError, match="after giving its own"):
        clients["a"].receive({})
    with pytest.raises(SecurityError, match="survivors are known"):
        server.unmask([])
    clients["a"].share()
    with pytest.raises(SecurityError, match="cannot become shared"):
        clients["a"].share()
    with pytest.raises(SecurityError):
        server.collect("a", np.zeros(2, np.uint16))


def test_words_and_shapes_are_checked():
    _, clients, server = shared()
    with pytest.raises(ConfigError, match="uint16"):
        clients["a"].mask(np.zeros(2, np.uint32))
    with pytest.raises(ConfigError, match="allowed"):
        server.collect("a", np.zeros(3, np.uint16))


def test_a_masked_vector_looks_uniform():
    """20,000 residues modulo 256 of a zero vector: chi-square below 255 + 6 sqrt(510)."""
    cohort = Cohort.complete("ab", threshold=2, modulus_bits=8)
    keys = kem_pair_keys(cohort.edges)
    clients = {name: MaskingClient(name, cohort, keys[name]) for name in "ab"}
    server = MaskingServer(cohort, length=20_000)
    for name, inbox in server.route([c.share() for c in clients.values()]).items():
        clients[name].receive(inbox)
    counts = np.bincount(clients["a"].mask(np.zeros(20_000, np.uint16)), minlength=256)
    expected = 20_000 / 256
    assert ((counts - expected) ** 2 / expected).sum() < 255 + 6 * np.sqrt(510)


def test_clients_show_and_copy_nothing():
    _, clients, _ = masked()
    assert repr(clients["a"]) == "MaskingClient('a', masked)"
    assert "Secret" not in repr(clients["a"].reveal(frozenset(NAMES), frozenset()))
    with pytest.raises(SecurityError, match="neither pickled nor copied"):
        copy.copy(clients["b"])


def test_neighbours_without_a_key_are_refused():
    cohort = Cohort.complete("abc", threshold=2, modulus_bits=16)
    with pytest.raises(ConfigError, match="no key with its neighbour 'b'"):
        MaskingClient("a", cohort, {})
