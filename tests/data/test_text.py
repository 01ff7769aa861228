"""Hashed words keep their places."""

from qfl.data.text import bucket, hashed, words


def test_hashed_words_keep_their_places_and_pairs_follow():
    rows = hashed([["a", "b"], []], vocabulary=64, positions=4, ngram=2)
    assert rows[0].tolist() == [bucket("a", 64), bucket("b", 64), bucket("a b", 64), 0]
    assert rows[1].tolist() == [0, 0, 0, 0]
    assert words("What's U2?") == ["what's", "u2"]
    assert {bucket(str(k), 16) for k in range(200)} == set(range(1, 16))
