"""Ports stay small, and what is asked at run time is answered by the methods alone."""

import inspect

import pytest

from qfl.core import ports

PORTS = {
    name: value
    for name, value in vars(ports).items()
    if inspect.isclass(value) and getattr(value, "_is_protocol", False) and name != "Protocol"
}


def methods(port):
    return [
        name for name, value in vars(port).items() if inspect.isfunction(value) and name[0] != "_"
    ]


@pytest.mark.parametrize("name", PORTS)
def test_a_port_has_at_most_three_methods_each_with_a_promise(name):
    found = methods(PORTS[name])
    assert 1 <= len(vars(PORTS[name]).keys() & set(found)) <= 3
    assert all(inspect.getdoc(getattr(PORTS[name], method)) for method in found)


@pytest.mark.parametrize(
    "name", [name for name, port in PORTS.items() if getattr(port, "_is_runtime_protocol", False)]
)
def test_who_has_the_methods_of_a_port_is_one_and_who_lacks_one_is_not(name):
    port = PORTS[name]
    whole = type("Whole", (), dict.fromkeys(methods(port), lambda self: None))
    assert isinstance(whole(), port)
    for lacking in methods(port):
        others = set(methods(port)) - {lacking}
        assert not isinstance(type("Less", (), dict.fromkeys(others, lambda self: None))(), port)
