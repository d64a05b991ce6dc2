"""A world for the tests of the calls service: the simulator, a door in place of the api, and the service itself."""
