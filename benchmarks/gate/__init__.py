"""What the gate costs a read."""
