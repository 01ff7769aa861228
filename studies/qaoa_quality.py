"""With as many samples, or as much time, does QAOA choose better than classical heuristics?

Hypothesis: with 32 samples QAOA at fixed angles beats uniform sampling and short annealing runs
from depth 2 on; greedy and the relaxation, which read the coefficients, are as good at a fraction
of the time, and at equal time so are annealing and tabu search. Approximation ratio, feasibility,
chance of the optimum and time to solution are measured against depth, mixer, schedule, n and k on
instances that no angle was tuned for. The numbers are in qaoa_quality.toml:
`qfl run studies/qaoa_quality.toml` plays the same cells.
"""

from pathlib import Path

from qfl.cli import main
from qfl.study import Study

study = Study.load(Path(__file__).with_suffix(".toml"))

if __name__ == "__main__":
    main(study)
