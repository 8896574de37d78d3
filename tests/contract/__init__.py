"""Two contracts: a simulator behaves as the service it stands in for, and an adapter keeps the promises of its port."""
