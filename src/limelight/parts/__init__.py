"""The parts of an architecture, described without torch: encoders, poolings, heads, fusions and contexts."""
