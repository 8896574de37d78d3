"""What a port promises to the engine, true of the product's adapter on a server and of its fake in `tests/fakes`.

What is the adapter's alone is here, too: what it puts on the wire, its permissions, and a network that breaks.
"""
