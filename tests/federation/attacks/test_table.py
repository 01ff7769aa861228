from qfl.core.rng import Streams
from qfl.federation.attacks import table
from qfl.security.attacks.outcome import AttackRow, Outcome


def test_the_table_is_its_four_parts(monkeypatch):
    """Each part is tested in its own file; here only that none is lost."""
    asked = {}

    def part(name):
        def rows(streams, **options):
            asked[name] = options
            outcome = Outcome(0.5, 0.4, 0.6, 9)
            return (
                AttackRow(
                    attack=name, defence="", measure="", blind=0, without=outcome, defended=outcome
                ),
            )

        return rows

    for name in ("channel_rows", "inversion_rows", "membership_rows", "poisoning_rows"):
        monkeypatch.setattr(table, name, part(name))
    found = table.attack_table(Streams(0), trials=8, models=4, federations=2)
    assert [row.attack for row in found] == list(asked)
    assert list(asked.values()) == [{"trials": 8}, {"trials": 8}, {"models": 4}, {"federations": 2}]
