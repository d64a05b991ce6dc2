"""What a webhook costs, signature, rows and job in one transaction, beside a bare handler that inserts the same row."""
