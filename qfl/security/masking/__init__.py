"""Sums that a server learns without learning a summand.

`quantise` turns floats into integers that cannot overflow; `cohort`, `client` and `server` are
the pairwise-mask protocol with recovery after dropouts, of which `aggregate` runs one round;
`pads` and `padded` are the information-theoretic mode, whose key use meets the proven minimum.
Nothing here knows a channel or a federation.
"""

from qfl.security.masking.aggregate import Dropouts, MaskedSum, PairwiseSum, masked_sum
from qfl.security.masking.client import MaskingClient
from qfl.security.masking.cohort import Cohort, neighbour_graph
from qfl.security.masking.costs import expansion_factor, hierarchical_key_rate, key_bound
from qfl.security.masking.padded import PadCosts, PaddedSum, PadSum, padded_sum
from qfl.security.masking.pads import Pads, coded_pads, pairwise_pads, path_pads
from qfl.security.masking.pairs import kem_pair_keys, pool_pair_keys
from qfl.security.masking.quantise import Grid
from qfl.security.masking.server import MaskingServer

__all__ = [
    "Cohort",
    "Dropouts",
    "Grid",
    "MaskedSum",
    "MaskingClient",
    "MaskingServer",
    "PadCosts",
    "PadSum",
    "PaddedSum",
    "Pads",
    "PairwiseSum",
    "coded_pads",
    "expansion_factor",
    "hierarchical_key_rate",
    "kem_pair_keys",
    "key_bound",
    "masked_sum",
    "neighbour_graph",
    "padded_sum",
    "pairwise_pads",
    "path_pads",
    "pool_pair_keys",
]
