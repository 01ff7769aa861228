import numpy as np
import pytest
from dense_oracle import cost, random_ansatz

from qfl.simulators.arrays import on_host
from qfl.simulators.blocks import Block, quadratic_costs, rows
from qfl.simulators.combinations import rank


@pytest.mark.parametrize(
    "blocks",
    [
        (((0, 1, 2, 3, 4, 5, 6), 5),),
        (((3, 1), 1), ((0, 2, 4, 5), 2), ((6,), 0)),
        (((0, 1), 2), ((2, 3, 4), 1)),
    ],
)
def test_costs_equal_the_objective_at_every_state(blocks):
    ansatz = random_ansatz(np.random.default_rng(1), "grover", 0, blocks)
    kept = tuple(Block(*block) for block in blocks)
    states = rows(kept, np.arange(np.prod([block.size for block in kept])))
    for variables, ones in blocks:
        assert (states[:, list(variables)].sum(1) == ones).all()
    outer = cost(ansatz, states.astype(np.int64))
    inner = quadratic_costs(kept, ansatz, on_host())
    np.testing.assert_allclose(np.sort(inner), np.sort(outer), atol=1e-12)


def test_block_0_varies_fastest_and_states_of_ordered_blocks_ascend():
    kept = Block((0, 1, 2), 2), Block((3, 4), 1)
    states = rows(kept, np.arange(6))
    assert (np.diff(states @ (1 << np.arange(5))) > 0).all()
    assert rank(states[:, :3]).tolist() == [0, 1, 2, 0, 1, 2]


def test_a_block_of_many_ones_keeps_its_zeros():
    block = Block((0, 1, 2, 3), 3)
    assert (block.flipped, block.weight, block.size) == (True, 1, 4)
    assert block.bits(np.arange(4)).tolist() == [
        [0, 1, 1, 1],
        [1, 0, 1, 1],
        [1, 1, 0, 1],
        [1, 1, 1, 0],
    ]
