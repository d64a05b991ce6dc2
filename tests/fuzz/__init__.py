"""Hostile input for what reads from outside: a target a file, shared by hypothesis and Atheris."""
