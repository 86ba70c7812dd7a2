"""Anomalies: deviations of responses from what happened, declared as data on a site."""
