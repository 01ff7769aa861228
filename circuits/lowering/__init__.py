"""From `CircuitSpec` to the circuit object of a framework; each file imports its own framework."""
