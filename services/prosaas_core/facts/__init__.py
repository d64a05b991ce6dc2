"""What is true of a call, for services and operators alike: light, so that a command starts at once; no I/O here."""
