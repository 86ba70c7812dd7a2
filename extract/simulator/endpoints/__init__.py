"""The endpoints of the API: a request in, the `response` of the envelope out."""
