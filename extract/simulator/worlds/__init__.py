"""Accounts: their sites, vehicles, and anomalies."""
