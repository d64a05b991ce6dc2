"""What runs: containers, their lines and events, their switches, the records beside them."""
