"""Numbers of Hansa's against those of independent programs, each in an environment of its own (`make oracles`)."""
