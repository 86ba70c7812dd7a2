"""What the benchmarks run as other processes, so that CPU time and memory are theirs alone."""
