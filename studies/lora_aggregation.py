"""Does it matter how a server merges LoRA pairs?

Hypothesis: averaging factors misses part of the mean product, most at the start and with unequal
ranks; merging products finds a better model for the same uploads. The numbers are in
lora_aggregation.toml; this script and `qfl run studies/lora_aggregation.toml` play the same cells.
"""

from pathlib import Path

from qfl.cli import main
from qfl.study import Study

study = Study.load(Path(__file__).with_suffix(".toml"))

if __name__ == "__main__":
    main(study)
