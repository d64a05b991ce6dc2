"""What several replicas of prosaas-calls behind one gateway carry, and what the gateway costs a call."""
