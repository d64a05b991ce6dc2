"""How the stack changes: plans of named steps, one lock, a journal on disk, and a way back."""
