"""Folds over the log: each says which facts it wants and never writes back."""
