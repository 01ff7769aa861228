"""How clients train: lessons for a stack of them, batches, losses, optimisers, remedies, refusals.

`qfl.federation.engine` is the door: the training of one client; here are its parts. Nothing here
knows a round.
"""
