"""Which aggregation rules keep a federation learning when two of twelve clients lie?

Hypothesis: turned and scaled changes steer a plain mean but not the median, the trimmed mean, Krum
or trust in the server's own samples; where attackers stay inside the spread of the honest, rules
lose most of their lead, and under masks, where they see cohorts alone, they keep part of it. The
numbers are in secure_channel_attacks.toml.
"""

from pathlib import Path

from qfl.cli import main
from qfl.study import Study

study = Study.load(Path(__file__).with_suffix(".toml"))

if __name__ == "__main__":
    main(study)
