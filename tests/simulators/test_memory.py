import pytest

from qfl.core.errors import CapacityError
from qfl.simulators import memory


def test_free_memory_is_a_sensible_number():
    assert 0 < memory.free_bytes() < 1 << 60


def test_a_container_may_have_less_than_its_machine(tmp_path, monkeypatch):
    (tmp_path / "memory.max").write_text("5000\n")
    (tmp_path / "memory.current").write_text("2000\n")
    monkeypatch.setattr(memory, "_CGROUP", tmp_path)
    assert memory.free_bytes() == 3000
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.free_bytes() > 3000


def test_a_refusal_names_what_is_needed_what_is_free_and_what_to_try(monkeypatch):
    monkeypatch.setattr(memory, "free_bytes", lambda device: 22 * memory.GIB)
    memory.require(22 * memory.GIB, what="it", advice="nothing")
    with pytest.raises(CapacityError) as error:
        memory.require(
            31 * memory.GIB, what="C(44, 11)", advice="try k <= 9, or solver 'decompose'"
        )
    assert str(error.value) == (
        "C(44, 11) needs 31.0 GiB, 22.0 GiB free; try k <= 9, or solver 'decompose'"
    )


@pytest.mark.parametrize("needed", [1 << 70, 1 << 1100, 1 << 100_000], ids=["70", "1100", "100000"])
def test_a_refusal_stays_short_however_much_is_needed(needed):
    with pytest.raises(CapacityError, match=rf"needs 2\^{needed.bit_length() - 31} GiB") as error:
        memory.require(needed, what="it", advice="try less")
    assert len(str(error.value)) < 80
