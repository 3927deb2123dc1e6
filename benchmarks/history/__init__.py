"""What old history costs: bringing it in, moving it to the archive, and asking 10 million instances.

``python -m benchmarks.history`` measures in a folder that is removed afterwards; ``--rows`` and
``--sensors`` change the size.
"""
