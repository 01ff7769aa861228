"""Which way to go from task to task keeps the earlier ones, and at what price?

Hypothesis: naively the earlier tasks are lost; rehearsing a few old samples keeps most of them and
costs memory and training; pulling weights to where they were keeps fewer, and hinders the later
tasks; neither reaches joint training. The numbers are in continual.toml:
`qfl run studies/continual.toml` plays the same cells.
"""

from pathlib import Path

from qfl.cli import main
from qfl.study import Study

study = Study.load(Path(__file__).with_suffix(".toml"))

if __name__ == "__main__":
    main(study)
