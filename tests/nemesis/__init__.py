"""Everything that can go wrong, at random and at once, with a judge at the end: `python -m tests.nemesis --help`."""
