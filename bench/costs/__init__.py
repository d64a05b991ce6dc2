"""How long the sums of what was spent take."""
