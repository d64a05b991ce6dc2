"""How long an operator waits, on a production stack of its own beside whatever runs."""
