"""The model: pure and synchronous; time is an argument, chance is a function of keys."""
