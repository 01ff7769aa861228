"""Known answers on secret-key rates, thresholds and the attacks that they price in."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable

from qfl.core.errors import ConfigError
from qfl.security.attacks.interception import InterceptResend
from qfl.security.qkd import continuous, decoy, finite, rates
from qfl.security.qkd.bounds import repeaterless_bound, single_repeater_bound
from qfl.security.qkd.detectors import threshold_decoy_rate
from qfl.security.qkd.entangled import PairLink
from qfl.security.qkd.link import FibreLink
from qfl.security.qkd.optimise import optimal_two_decoys
from qfl.testing.known_answers.inputs import Inputs

_REALISTIC = 1.16


def entropy(given: Inputs) -> float:
    """Return the binary entropy."""
    return rates.binary_entropy(given.number("x"))


def bb84_threshold(given: Inputs) -> float:
    """Return the QBER where the BB84 rate vanishes."""
    return rates.bb84_threshold(error_correction_efficiency=given.number("f"))


def sixstate_threshold(given: Inputs) -> float:
    """Return the QBER where the six-state rate vanishes."""
    return rates.six_state_threshold(error_correction_efficiency=given.number("f"))


def di_threshold(given: Inputs) -> float:
    """Return the QBER where the CHSH-priced rate vanishes."""
    return rates.e91_threshold(error_correction_efficiency=given.number("f"))


def chsh_lost(given: Inputs) -> float:
    """Return the QBER at which the CHSH value is 2."""
    del given  # there is nothing to choose
    return rates.falling_root(lambda qber: rates.chsh_value(qber) - 2, 0.0, 0.5)


def bb84_rate(given: Inputs) -> dict[str, float]:
    """Return the BB84 rate per sifted bit, with ideal and with realistic error correction."""
    qber = given.number("Q")
    return {
        "f1": rates.bb84_rate(qber),
        "f1_16": rates.bb84_rate(qber, error_correction_efficiency=_REALISTIC),
    }


def sixstate_rate(given: Inputs) -> float:
    """Return the six-state rate per sifted bit."""
    return rates.six_state_rate(given.number("Q"), error_correction_efficiency=_efficiency(given))


def di_rate(given: Inputs) -> dict[str, float]:
    """Return the CHSH value and the rate that it allows."""
    qber, efficiency = given.number("Q"), _efficiency(given)
    rate = rates.e91_rate(qber, error_correction_efficiency=efficiency)
    return {"S": rates.chsh_value(qber), "rate": rate}


def ir_detect(given: Inputs) -> float:
    """Return the probability that comparing k bits reveals an interception of all pulses."""
    return 1 - (1 - InterceptResend(1.0).added_qber) ** given.whole("k")


def ir_abort_fraction(given: Inputs) -> float:
    """Return the attacked fraction at which BB84 aborts."""
    return rates.intercepted_fraction(bb84_threshold(given))


def ir_qber(given: Inputs) -> dict[str, float]:
    """Return the QBER that an interception of a fraction of the pulses causes."""
    fraction = given.number("p")
    return {
        "bb84": InterceptResend(fraction, bases=2).added_qber,
        "sixstate": InterceptResend(fraction, bases=3).added_qber,
    }


def pns_multiphoton(given: Inputs) -> float:
    """Return the probability that a pulse has two or more photons."""
    return decoy.multi_photon_probability(given.number("mu"))


def gys_mu_opt(given: Inputs) -> float:
    """Return the signal intensity that maximises the decoy rate without background."""
    link = FibreLink(
        length_km=0.0,
        misalignment=given.number("e_d"),
        error_correction_efficiency=given.number("f"),
    )
    return decoy.optimal_signal(link)


def gys_max_distance(given: Inputs) -> float:
    """Return the length where the decoy rate vanishes; a null nu means infinite decoys."""
    link, signal = _decoy_link(given), given.number("mu")
    given.number("q")
    given.label("nu")
    weak = given.number("nu") if "nu" in given else None
    return decoy.decoy_reach_km(link, signal=signal, weak=weak)


def gys_no_decoy(given: Inputs) -> float:
    """Return the length where the rate without decoys vanishes, whatever the intensity."""
    given.number("q")
    return decoy.no_decoy_reach_km(_decoy_link(given))


def gys_rate_inf(given: Inputs) -> float:
    """Return the decoy rate per pulse with infinitely many decoys."""
    return _decoy_rate(given, None)


def gys_rate_vw(given: Inputs) -> float:
    """Return the decoy rate per pulse with vacuum and a weak decoy."""
    return _decoy_rate(given, given.number("nu"))


def gys_channel(given: Inputs) -> dict[str, float]:
    """Return gain, QBER, yield and error of single photons, and the bounds on these."""
    link = _decoy_link(given)
    given.label("q")
    intensities = decoy.Intensities(given.number("mu"), given.number("nu"))
    gains, true = decoy.expected_gains(link, intensities), decoy.single_photons(link)
    bounds = decoy.single_photon_bounds(gains, intensities)
    return {
        "Q": gains.signal,
        "E": gains.qber,
        "Y1": true.detection_yield,
        "e1": true.error,
        "Y1L": bounds.detection_yield,
        "e1U": bounds.error,
    }


def gys_deviation(given: Inputs) -> dict[str, float]:
    """Return by how many percent the bounds on single photons miss the truth."""
    found = gys_channel(given)
    return {
        "Y1_below_pct": 100 * (1 - found["Y1L"] / found["Y1"]),
        "e1_above_pct": 100 * (found["e1U"] / found["e1"] - 1),
    }


def lim_fixed(given: Inputs) -> dict[str, float]:
    """Return the finite-key quantities of two decoys at fixed settings."""
    link, block = _finite_link(given), given.number("n_X")
    protocol = _protocol(given, "q_x")
    key, rate = finite.expected_finite_key(link, protocol, block=block)
    return {
        "s_X0": key.vacuum,
        "s_X1": key.single,
        "s_Z1": key.test_single,
        "v_Z1": key.test_errors,
        "phi_X": key.phase_error,
        "lambda_EC": key.disclosed_bits,
        "ell": key.length,
        "N": finite.expected_counts(link, protocol, block=block)[2],
        "R": rate,
    }


def lim_optimised(given: Inputs) -> float:
    """Return the finite-key rate with all settings optimised, on the link of Lim et al. 2014."""
    link = FibreLink(
        length_km=given.number("L_km"),
        loss_db_per_km=given.number("alpha"),
        detector_efficiency=0.1,
        dark_count_probability=1.2e-6,
        afterpulse_probability=0.04,
        misalignment=0.005,
        error_correction_efficiency=_REALISTIC,
    )
    block, kappa = given.number("n_X"), given.number("kappa")
    return optimal_two_decoys(link, block=block, secrecy_per_bit=kappa)[2]


def onedecoy_fixed(given: Inputs) -> dict[str, float]:
    """Return rate, phase error and length of a finite key with one decoy at fixed settings."""
    link, block = _finite_link(given), given.number("n_Z")
    key, rate = finite.expected_finite_key(link, _protocol(given, "p_Z"), block=block)
    return {"R": rate, "phi": key.phase_error, "ell": key.length}


def tomamichel_mu(given: Inputs) -> float:
    """Return the statistical correction for a single-photon source."""
    return finite.single_photon_deviation(given.number("k"), given.number("n"), given.number("eps"))


def plob(given: Inputs) -> float:
    """Return the repeaterless bound of a fibre."""
    return repeaterless_bound(_fibre(given).channel_transmittance)


def single_repeater(given: Inputs) -> float:
    """Return the bound of a fibre with one ideal repeater."""
    return single_repeater_bound(_fibre(given).channel_transmittance)


def cv_gg02(given: Inputs) -> dict[str, float]:
    """Return mutual information, Holevo bound and beta I - chi, negative beyond the reach."""
    link = continuous.GaussianLink(
        modulation_variance=given.number("V_A"),
        transmittance=given.number("T"),
        excess_noise=given.number("xi"),
        detector_efficiency=given.number("eta"),
        electronic_noise=given.number("v_el"),
        reconciliation_efficiency=given.number("beta"),
    )
    key = continuous.gaussian_key(link)
    margin = link.reconciliation_efficiency * key.mutual_information - key.holevo
    return {"I_AB": key.mutual_information, "chi_BE": key.holevo, "K": margin}


def tno_oracle(given: Inputs) -> float:
    """Return the rate of a protocol over so many dB between two standard detectors of a peer.

    Efficiency 0.2, 1e-5 dark counts per detector and pulse, 1.5 % of the photons turned (BB84
    only); no detection is sifted away, and the intensity is the one that the peer's search finds.
    """
    given.label("package")
    case = re.fullmatch(r"(bb84|bbm92)_(\d+(?:\.\d+)?)dB", given.text("case"))
    if not case:
        raise ConfigError(f"case {given.any('case')!r}; allowed: like bb84_4dB or bbm92_20dB")
    loss_db = float(case[2])
    if case[1] == "bb84":
        link = _peer_link(loss_db, background=1 - (1 - 1e-5) ** 2, misalignment=0.015)
        return _peer_optimum(lambda mu: threshold_decoy_rate(link, signal=mu), least=0.1)
    arm = _peer_link(loss_db / 2, background=1e-5, misalignment=0.0)

    def pair_rate(pairs: float) -> float:
        pair = PairLink(arm, arm, pairs)
        return pair.coincidence_gain * rates.bb84_rate(pair.qber)

    return _peer_optimum(pair_rate, least=0.001)


def ldpc_f(given: Inputs) -> float:
    """Return the efficiency of a code of rate R at its QBER."""
    rate, entropy = given.number("R"), rates.binary_entropy(given.number("Q"))
    if not 0 <= rate <= 1 or entropy == 0:
        raise ConfigError(f"a code rate of {rate} at entropy {entropy}; allowed: 0..1, above 0")
    return (1 - rate) / entropy


def _efficiency(given: Inputs) -> float:
    return given.number("f") if "f" in given else 1.0


def _fibre(given: Inputs) -> FibreLink:
    return FibreLink(length_km=given.number("L_km"), loss_db_per_km=given.number("alpha"))


def _peer_link(loss_db: float, *, background: float, misalignment: float) -> FibreLink:
    return FibreLink(
        length_km=loss_db,
        loss_db_per_km=1.0,
        detector_efficiency=0.2,
        dark_count_probability=background,
        misalignment=misalignment,
        error_correction_efficiency=1.0,
    )


def _peer_optimum(rate: Callable[[float], float], *, least: float) -> float:
    """Return the rate where the peer's search stops: a little short of the top of a flat hill."""
    from scipy.optimize import BFGS, Bounds, minimize

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "delta_grad == 0.0", UserWarning)
        found = minimize(
            lambda x: -rate(float(x[0])),
            [0.5],
            method="trust-constr",
            jac="2-point",
            hess=BFGS(),
            bounds=Bounds([least], [0.9]),
            options={"maxiter": 1000, "finite_diff_rel_step": 1e-6},
        )
    return float(-found.fun)


def _decoy_link(given: Inputs) -> FibreLink:
    return FibreLink(
        length_km=given.number("L_km") if "L_km" in given else 0.0,
        loss_db_per_km=given.number("alpha"),
        detector_efficiency=given.number("eta_bob"),
        dark_count_probability=given.number("Y0"),
        misalignment=given.number("e_d"),
        error_correction_efficiency=given.number("f"),
    )


def _decoy_rate(given: Inputs, weak: float | None) -> float:
    rate = decoy.decoy_rate(_decoy_link(given), signal=given.number("mu"), weak=weak)
    return rate * given.number("q") / decoy.SIFTING


def _finite_link(given: Inputs) -> FibreLink:
    """Return the link of a finite-key row, whose p_dc is for one of two detectors."""
    return FibreLink(
        length_km=given.number("L_km"),
        loss_db_per_km=given.number("alpha"),
        detector_efficiency=given.number("eta_bob"),
        dark_count_probability=2 * given.number("p_dc"),
        afterpulse_probability=given.number("p_ap") if "p_ap" in given else 0.0,
        misalignment=given.number("e_mis"),
        error_correction_efficiency=given.number("f"),
    )


def _protocol(given: Inputs, key_basis: str) -> finite.FiniteProtocol:
    return finite.FiniteProtocol(
        intensities=tuple(given.numbers("mu").tolist()),
        probabilities=tuple(given.numbers("p").tolist()),
        key_basis=given.number(key_basis),
        secrecy=given.number("eps_sec"),
        correctness=given.number("eps_cor"),
    )
