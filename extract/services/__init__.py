"""Clients of services beside the API: databases and programs that have a site's history, or are given it."""
