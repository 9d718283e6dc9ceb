"""The walls around hostile code: bubblewrap, cgroups, limits, and the process that runs inside them."""
