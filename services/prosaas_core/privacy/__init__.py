"""What the bundle keeps of people: where, for how long, and how one person is found, shown and taken away."""
