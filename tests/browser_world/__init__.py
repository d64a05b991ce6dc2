"""Chromium for the tests of what people see, and the pages that the operator's commands make, filled to the brim."""
