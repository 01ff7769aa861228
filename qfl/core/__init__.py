"""The nouns of the suite and the ports between its rooms; numpy and the standard library only."""
