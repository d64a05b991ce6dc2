"""How many calls one core holds, and what the log costs them."""
