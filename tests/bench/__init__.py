"""Speed as ratios within one run, and times where a promise was made of one. `make bench` runs all but the longest."""
