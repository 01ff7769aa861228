"""Which way to forget a client leaves nothing of it, and at what price?

Hypothesis: shards leave nothing, bit for bit, at a third of the price of training again, and pay in
accuracy while they train; replay of stored updates is cheap and leaves traces that an attacker
finds; doing nothing leaves everything. Each way is compared with the same system trained without
the client, and with independent retrainings. The numbers are in unlearning.toml:
`qfl run studies/unlearning.toml` plays the same cells.
"""

from pathlib import Path

from qfl.cli import main
from qfl.study import Study

study = Study.load(Path(__file__).with_suffix(".toml"))

if __name__ == "__main__":
    main(study)
