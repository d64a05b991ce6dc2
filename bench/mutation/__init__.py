"""Breaks the product one small step at a time, and asks the tests whether they notice."""
