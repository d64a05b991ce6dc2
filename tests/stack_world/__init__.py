"""The production stack as the tests see it: up once for a line of tests, in a checkout and a project of its own."""
