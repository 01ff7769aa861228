"""How much accuracy does differential privacy cost, and does it matter who adds the noise?

Hypothesis: noise in shares under masks costs as much accuracy as noise of a trusted server at
almost the same epsilon, noise of every client for itself far more. The numbers are in
secure_channel_privacy.toml.
"""

from pathlib import Path

from qfl.cli import main
from qfl.study import Study

study = Study.load(Path(__file__).with_suffix(".toml"))

if __name__ == "__main__":
    main(study)
