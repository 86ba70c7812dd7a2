"""OAuth: codes, access tokens, and single-use refresh tokens."""
