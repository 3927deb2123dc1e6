"""kill -9, many times, in the middle of writes, of notifications and of compaction; then everything is counted."""
