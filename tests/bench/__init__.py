"""The benchmark: this server beside the bare SDK, FastMCP and a Node bridge, in interleaved rounds.

``python -m tests.bench`` runs it; ``--help`` lists what can be chosen. Numbers of different runs do not
compare; ratios of one run do, because every round measures every contestant once.
"""
