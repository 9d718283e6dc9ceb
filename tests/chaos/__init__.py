"""A running site whose processes are killed and whose connections are cut, at random: every build still ends as it should."""
