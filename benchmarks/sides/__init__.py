"""Scripts that benchmarks start as child processes, each in the environment that has its library."""
