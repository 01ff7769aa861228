"""The steps that `qfl.federation.round` reads aloud: visit, gather, merge, and the books it keeps.

Every step is handed what it needs; none imports the round.
"""
