"""What every request pays before anybody looks at it."""
