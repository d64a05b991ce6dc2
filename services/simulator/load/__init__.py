"""Many light calls at once, and how late their frames come."""
