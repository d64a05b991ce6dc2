"""The logging core beside structlog, loguru, python-json-logger, the standard library and the limit."""
