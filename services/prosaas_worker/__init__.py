"""The worker: jobs that a call or a message leaves behind, taken from the queue in Postgres and done once each."""
