"""What the operator's tools ask, played."""
