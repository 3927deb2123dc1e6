"""What becomes of personal data before anything is written: declared steps, keys that end, measures, a budget."""
