"""What stands behind a mean of updates: codecs, weights, defences, LoRA pairs, privacy.

The plain sum is `qfl.federation.aggregate`; an algorithm picks its mean from both.
"""
