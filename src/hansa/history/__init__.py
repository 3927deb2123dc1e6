"""Old history: what is no longer recent lives in Parquet files, sorted, and is read by DuckDB.

The recent tail of a tenant's history stays in its database. *Compaction* moves what is older into
*segments*: Parquet files in the node's folder, sorted by (entity, attribute, time). The database lists
the segments, so that the list and the tail always belong to one committed state. Every question about
history is answered from both, as if nothing had been moved.
"""
