"""State and time: the sans-IO gateway and what it is made of. No asyncio except in `driver`."""
