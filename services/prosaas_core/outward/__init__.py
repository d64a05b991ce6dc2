"""Requests to other companies: one way out, with what is said of it, how often it is tried and when no more."""
