"""The production stack as the tests see it: brought up once a session, in a checkout and a project of its own."""
