"""The product's own decisions, run through every short story of faults and many long ones.

`explorer` searches the runs of a model; `plan_model` and `election_model` are the two models. From the command line:
`python -m tests.model --depth 2 --seed 1 --walks 500`.
"""
