"""What was there before the log, and is brought into it: other loggers, prints, threads, servers, workers."""
