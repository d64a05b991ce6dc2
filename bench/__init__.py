"""Measurements: what the code costs, beside what others' costs on the same machine in the same run."""
