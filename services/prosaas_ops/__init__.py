"""The operator's tools: one container, one clock, one story out of every service's log."""
