"""Read-only tools over the warehouse for assistants, by the Model Context Protocol."""
