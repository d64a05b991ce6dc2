"""The two legs joined: one conversation from its start to its record."""
