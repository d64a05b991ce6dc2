"""How long somebody at the console waits."""
