"""How things look: the terminal, pages, charts."""
