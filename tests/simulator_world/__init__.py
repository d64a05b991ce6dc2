"""What the simulator's tests share: a reference bridge, strict validation, and a world that holds them."""
