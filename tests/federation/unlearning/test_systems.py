"""Federations beside the first one: a name and streams of their own, and bills that add."""

from small import founder, population

from qfl.core.record import Costs
from qfl.core.rng import Streams
from qfl.federation.unlearning.systems import Founding, apart, spent

WHOLE = population(3, samples=180)


def test_costs_of_rounds_add_and_of_none_are_nothing():
    records = list(founder(rounds=2)(WHOLE, Founding()).play())
    assert spent([]) == Costs()
    assert spent(records) == records[1].costs + records[2].costs
    assert spent(records[:1]) == records[0].costs


def test_a_founder_apart_changes_name_and_streams_and_nothing_else():
    asked = []

    def found(members, founding):
        asked.append((members, founding))

    first, own = Founding(run="-a", streams=Streams(1), effort=0.5), Streams(9)
    apart(found, run="-oracle", streams=own)(WHOLE, first)
    apart(found, run="-oracle")(WHOLE, first)
    assert [(members is WHOLE, f.run, f.streams, f.effort) for members, f in asked] == [
        (True, "-oracle-a", own, 0.5),
        (True, "-oracle-a", first.streams, 0.5),
    ]
