"""Does a federation learn the weaker modality, and at what price can it be made to?

Hypothesis: plain training answers from sound alone, at the centre and federated; remedies bring
pictures alone above 55 % and cost at most one point with both. Needs the sets fsdd and mnist.
The numbers are in modality_laziness.toml.
"""

from pathlib import Path

from qfl.cli import main
from qfl.study import Study

study = Study.load(Path(__file__).with_suffix(".toml"))

if __name__ == "__main__":
    main(study)
