"""Text as numbers without a vocabulary file: words and n-grams hashed into a table."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_WORD = re.compile(r"[\w']+")


def words(text: str) -> list[str]:
    """Return the words in lower case.

    >>> words("Don't play U2!")
    ["don't", 'play', 'u2']
    """
    return _WORD.findall(text.lower())


def bucket(token: str, vocabulary: int) -> int:
    """Return the place of a token in a table, 1 to vocabulary - 1; 0 is the padding.

    The same on every machine and in every run.

    >>> bucket("play", 4096) == bucket("play", 4096), 0 < bucket("play", 4096) < 4096
    (True, True)
    """
    return 1 + zlib.crc32(token.encode()) % (vocabulary - 1)


def hashed(
    texts: Sequence[Sequence[str]], *, vocabulary: int, positions: int, ngram: int = 1
) -> NDArray[np.float32]:
    """Return the hashed words, then the hashed n-grams, cut or padded to `positions`.

    Args:
        texts: words of each text.
        vocabulary: size of the table, padding included.
        positions: length of every row.
        ngram: the longest n-gram; 1 keeps words alone, so that position k is word k.

    >>> hashed([["a", "b"]], vocabulary=8, positions=4).shape
    (1, 4)
    """
    rows = np.zeros((len(texts), positions), np.float32)
    for row, text in zip(rows, texts, strict=True):
        tokens = [
            " ".join(text[k : k + n]) for n in range(1, ngram + 1) for k in range(len(text) - n + 1)
        ][:positions]
        row[: len(tokens)] = [bucket(token, vocabulary) for token in tokens]
    return rows
