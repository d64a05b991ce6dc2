"""Stand-ins for the REST services around a call."""
