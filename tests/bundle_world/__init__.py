"""What the tests of the bundle share: the rendered model, and a checkout of its own for a test."""
