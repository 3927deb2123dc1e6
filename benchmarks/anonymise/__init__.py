"""What stands between a source and the store, measured alone: the screen, and each kind of step."""
