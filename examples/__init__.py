"""Systems to try Todoku with."""
