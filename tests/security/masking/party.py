"""Five clients and a server of one masked sum, step by step."""

import numpy as np

from qfl.security.masking import Cohort, MaskingClient, MaskingServer, kem_pair_keys

NAMES = ("a", "b", "c", "d", "e")


def party(threshold=3, names=NAMES):
    cohort = Cohort.complete(names, threshold=threshold, modulus_bits=16)
    keys = kem_pair_keys(cohort.edges)
    clients = {name: MaskingClient(name, cohort, keys[name]) for name in names}
    return cohort, clients, MaskingServer(cohort, length=2)


def shared(threshold=3):
    cohort, clients, server = party(threshold)
    for name, inbox in server.route([c.share() for c in clients.values()]).items():
        clients[name].receive(inbox)
    return cohort, clients, server


def masked(threshold=3):
    cohort, clients, server = shared(threshold)
    for name, client in clients.items():
        server.collect(name, client.mask(np.ones(2, np.uint16)))
    return cohort, clients, server
