"""A call on disk as it happens, and who stores it when its process is gone."""
