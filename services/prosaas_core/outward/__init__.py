"""What we ask of other companies."""
