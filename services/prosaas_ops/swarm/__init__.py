"""The same stack on several machines, by Docker's own Swarm: rendered, looked at beforehand, deployed, taken down."""
