"""A run: a scenario, a server, a system under test, time moved for both, and a verdict."""
