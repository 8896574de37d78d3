"""The ledger: who owns which address, and the only code that reads or writes that."""
