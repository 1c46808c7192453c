"""Generate ``docs/background/results.md`` from the files in ``benchmarks/results``."""
