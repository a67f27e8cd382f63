"""The twin of core and engine in columns: millions of lives by the same draws, without a server."""
