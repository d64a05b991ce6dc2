"""The REST under /v1: businesses and what belongs to them, each seen only by its own keys and the administrator's."""
