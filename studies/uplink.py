"""Does it matter for time, and not for accuracy, who assigns uploads to the slots of an uplink?

Hypothesis: all schedulers learn the same, round by round; enumeration has the shortest rounds, QAOA
with 16 samples and greedy come close, and slots drawn at random make rounds longer. The numbers are
in uplink.toml: `qfl run studies/uplink.toml` plays the same cells.
"""

from pathlib import Path

from qfl.cli import main
from qfl.study import Study

study = Study.load(Path(__file__).with_suffix(".toml"))

if __name__ == "__main__":
    main(study)
