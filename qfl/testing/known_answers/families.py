"""What computes each family of known answers; the second part of a row's id picks the line."""

from __future__ import annotations

from qfl.core.registry import Registry, Row

_MODULES = {
    "maxcut": (
        "maxcut_p1_regular",
        "maxcut_p1_general",
        "fixed_angle_graph",
        "fixed_angle_tree",
        "tree_opt_3reg",
        "sk_nu",
        "ring_of_disagrees",
        "ring_angles",
        "lr_chain5",
        "random_cut",
    ),
    "mixers": (
        "johnson_spectrum",
        "complete_xy_evolution",
        "ring_xy_top",
        "ring_dicke_overlap",
        "ring_trotter_error",
        "grover_threshold",
        "dicke_moments",
        "onehot_block",
        "onehot_dim",
        "subspace_dim",
        "swap_network",
    ),
    "selection": ("kofn_qaoa", "kofn_optimum", "kofn_penalty", "qubo_to_ising"),
    "figures": (
        "schedule",
        "tts99",
        "r_eff",
        "cvar",
        "gate_count_noise",
        "readout_parity",
        "zne_richardson",
    ),
    "rates": (
        "entropy",
        "bb84_threshold",
        "sixstate_threshold",
        "di_threshold",
        "chsh_lost",
        "bb84_rate",
        "sixstate_rate",
        "di_rate",
        "ir_detect",
        "ir_abort_fraction",
        "ir_qber",
        "pns_multiphoton",
        "gys_mu_opt",
        "gys_max_distance",
        "gys_no_decoy",
        "gys_rate_inf",
        "gys_rate_vw",
        "gys_channel",
        "gys_deviation",
        "lim_fixed",
        "lim_optimised",
        "onedecoy_fixed",
        "tomamichel_mu",
        "plob",
        "single_repeater",
        "cv_gg02",
        "tno_oracle",
        "ldpc_f",
    ),
    "keys": (
        "cascade_f",
        "cascade_k1",
        "toeplitz",
        "verify_bits",
        "eps_pa",
        "wc_forgery",
        "rfc8439_poly1305",
        "rfc8439_aead",
        "hkdf",
        "hybrid_kdf",
        "etsi014_error",
        "relay",
        "otp_bits",
        "key_pool",
    ),
    "sums": (
        "secagg_expansion",
        "its_key_bound",
        "its_hierarchical",
        "quantise",
        "shamir",
        "gauss_exact",
        "rdp_sub",
        "dp_accounting",
        "dp_calibrate",
        "adaptive_clip",
        "ddg_norm",
        "ddg_tau",
        "skellam_rdp",
        "mia_bound",
        "alie_z",
        "ipm_threshold",
        "robust_aggregate",
    ),
    "unlearning": ("federaser_speedup", "federaser_calibrate", "shard_unlearn"),
}


def _row(module: str, function: str) -> Row:
    return Row(f"qfl.testing.known_answers.{module}:{function}", "")


FAMILIES = Registry(
    "family of known answers",
    {
        **{name: _row(module, name) for module, names in _MODULES.items() for name in names},
        "lr_chain_seed123": _row("maxcut", "lr_chain5"),
        "xy_gate": Row(
            "qfl.testing.known_answers.gates:xy_gate",
            "",
            extra="qiskit,pennylane",
            requires=("qiskit", "pennylane"),
        ),
    },
)
"""Functions Inputs -> number, text, list or object."""
