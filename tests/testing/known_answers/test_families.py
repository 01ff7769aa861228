"""Every family of the registry is in a table, and every table row in the registry."""

from qfl.testing.known_answers import FAMILIES, SHIPPED, shipped_table


def test_every_family_of_the_registry_is_in_a_table():
    shipped = {row.family for name in SHIPPED for row in shipped_table(name)}
    assert set(FAMILIES.table()) == shipped
