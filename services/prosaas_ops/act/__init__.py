"""Commands that change something or leave something behind."""
