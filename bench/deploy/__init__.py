"""What a caller notices of a deploy."""
