"""What a service does, asked in its own words: of the sandbox's server, and of the real one where there is one.

Kubernetes and DynamoDB run on both; of EC2 there is the simulator alone, held to the API reference. What a simulator
breaks on purpose, and how a test drives it, is tested here, too.
"""
