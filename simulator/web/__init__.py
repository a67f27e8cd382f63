"""Sockets: the gateway port, the control port, and the calls we make. asyncio lives here."""
