"""Load for a gateway: locust files, and what they share.

A process that loads has gevent in it and no asyncio, so nothing of `simulator` is imported here but
the model and the errors, and `simulator` never imports this. Extra `[load]`.
"""
