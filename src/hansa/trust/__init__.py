"""The gate and what it decides by: who is asking, what they may do, and why."""
