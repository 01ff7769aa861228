"""A finished run of circuits on a snapshot, raw and mitigated, and under noise models."""

from qfl.study import Study, run

CIRCUIT = {"mixer": "xy_ring", "schedule": "transfer", "depth": 1}
SNAPSHOT = {"backend": "aer:fake_manila"}
PULSES = {"idle_errors": True, "dynamical_decoupling": "XX"}


def method(label, **options):
    return {"label": label, "solver": "qaoa", "shots": 256, **CIRCUIT, **options}


STUDY = {
    "name": "devices",
    "title": "Devices",
    "question": "What does noise do?",
    "hypothesis": "Harm.",
    "seeds": 3,
    "decision": {"problem": "client_selection", "clients": 4, "choose": 2},
    "methods": [
        method("ideal"),
        method("manila", **SNAPSHOT),
        method("plain", **SNAPSHOT, backend_options={"level": 0}),
        method("idle", **SNAPSHOT, backend_options={"idle_errors": True}),
        method("pulsed", **SNAPSHOT, backend_options=PULSES),
        method("readout", backend="mitigation:readout", backend_options=SNAPSHOT),
        method("selected", backend="mitigation:post_selection", backend_options=SNAPSHOT),
        {
            "label": "extrapolated",
            "solver": "qaoa_mean",
            "shots": 256,
            "backend_options": {**SNAPSHOT, "scales": (1, 3)},
            "qaoa": CIRCUIT,
        },
        method("model", backend="noise:depolarising", backend_options={"snapshot": "fake_manila"}),
        method("guess", backend="noise:depolarising", backend_options={"two_qubit_error": 0.01}),
    ],
    "headline": {"metric": "sampled_ratio", "method": "manila", "baseline": "ideal"},
}


def measured(folder, **changes):
    """Play the study, with these changes, into a folder and return it."""
    list(run(Study(**{**STUDY, **changes}), out=folder))
    return folder
