"""Three engines in one Swarm as the tests see it: each in a network of its own, made for them and taken away again."""
