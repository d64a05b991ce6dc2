"""What calls, summaries and messages cost: the ledger of charges, and its metrics."""
