"""What can go wrong between an endpoint and a client: faults by plan, a rate limit, the wrong region."""
