"""Choosing a network: how good it is on series held out, and what to change about it."""
