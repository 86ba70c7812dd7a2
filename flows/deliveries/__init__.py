"""Deliveries: the history of sites brought to other programs, month by month, each once until it changes."""
