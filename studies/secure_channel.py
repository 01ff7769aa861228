"""What does it cost to train over channels keyed as a quantum network would key them?

Hypothesis: sealing changes nothing that is learnt, masked sums no more than the grid on which they
are added; one-time pads and one-time masks cost megabits of key a round, streams and ciphers
kilobits. The report adds the secret-key rate of every protocol against distance beneath the
repeaterless bound, the models that can be padded, and every attack with and without its defence.
The numbers are in secure_channel.toml: `qfl run studies/secure_channel.toml` plays the same cells.
Beside it, secure_channel_attacks sets lying clients against robust rules, and
secure_channel_privacy draws accuracy against epsilon.
"""

from pathlib import Path

from qfl.cli import main
from qfl.study import Study

study = Study.load(Path(__file__).with_suffix(".toml"))

if __name__ == "__main__":
    main(study)
