"""The console: what the commands know, as pages in a browser. A thin face; nothing is computed here."""
