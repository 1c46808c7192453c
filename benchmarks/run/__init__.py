"""One module per benchmark; each prints a table and writes a file in ``benchmarks/results``."""
