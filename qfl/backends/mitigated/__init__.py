"""Error mitigation as wrappers of a backend, each alone, so that a study can show what each buys.

Dynamical decoupling and twirling are flags of the machine ("ibm"), layout and routing are options
of every adapter that places circuits. No framework here.
"""
