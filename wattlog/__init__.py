"""Facts of the domain, each in one place. Every other package may import this one; it imports none of them."""
