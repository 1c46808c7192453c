"""Generate ``docs/results.md`` from the files in ``benchmarks/results``."""
