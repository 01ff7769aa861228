import pytest
from instances import k_of_n

from qfl.backends import get_backend
from qfl.backends.snapshots import snapshot
from qfl.backends.targets import Device, fractional, part, without_errors
from qfl.core.errors import ConfigError


def test_a_part_keeps_the_numbers_of_its_qubits_under_new_ones():
    whole = snapshot("fake_manila").target
    found = part(whole, (1, 2, 4))
    assert found.num_qubits == 3
    assert found["cx"][(0, 1)].error == whole["cx"][(1, 2)].error
    assert (1, 2) not in found["cx"]  # 2 and 4 are not coupled
    assert found.qubit_properties[2].t1 == whole.qubit_properties[4].t1


def test_without_errors_couplers_and_times_stay():
    whole = snapshot("fake_fez").target
    found = without_errors(whole)
    assert found["cz"].keys() == whole["cz"].keys()
    for where, each in found["cz"].items():
        assert each.error is None
        assert each.duration == whole["cz"][where].duration


def test_fractional_gates_come_and_go():
    """The one snapshot that has them also says that an rzz is as good as the other pair gate."""
    native = snapshot("fake_fractional")
    for where, each in native.target["rzz"].items():
        assert each.error == native.target["cx"][where].error
    bare = fractional(native, False)
    assert not {"rzz", "rx"} & set(bare.target.operation_names)
    assert (bare.name, bare.num_qubits) == (native.name, 5)
    assert fractional(native, True) is native
    fez = snapshot("fake_fez")
    assert fractional(fez, False) is fez
    more = fractional(fez, True)
    assert more.target["rzz"][(0, 1)] == fez.target["cz"][(0, 1)]
    assert more.target["rx"][(7,)] == fez.target["sx"][(7,)]
    assert more.properties().last_update_date == fez.properties().last_update_date
    with pytest.raises(ConfigError, match="fake_sherbrooke has no fractional gates"):
        get_backend("aer:fake_sherbrooke", fractional_gates=True).compile(k_of_n(3, 1, "x", 1))


def test_such_a_device_runs_nothing():
    with pytest.raises(TypeError, match="runs nothing"):
        Device(snapshot("fake_manila").target).run(None)
