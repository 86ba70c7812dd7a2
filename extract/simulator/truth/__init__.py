"""What really happened at a site, computed for any local day in any order."""
