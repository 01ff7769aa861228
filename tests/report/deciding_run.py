"""A finished run where nobody trains: real decisions on instances of two sizes, in seconds."""

from qfl.study import Study, run


def study():
    """Return 4 methods, one at two depths, on 2 sizes and 6 instances each."""
    return Study(
        name="deciding",
        title="Deciding",
        question="Who decides well?",
        hypothesis="Enumeration does.",
        seeds=6,
        decision={"problem": "client_selection", "clients": 6, "choose": 2, "repeats": 2},
        sweep={
            "decision.clients": (6, 10),
            "decision.choose": (2,),
            "methods.qaoa.depth": (1, 2),
        },
        methods=[
            {"solver": "random_best", "shots": 4},
            {"solver": "top_k"},
            {"solver": "exact"},
            {"label": "qaoa", "solver": "qaoa", "shots": 4, "schedule": "transfer"},
        ],
        headline={"metric": "approximation_ratio", "method": "qaoa", "baseline": "random_best"},
    )


def decided(folder):
    """Play the study into `folder` and return it."""
    list(run(study(), out=folder))
    return folder
