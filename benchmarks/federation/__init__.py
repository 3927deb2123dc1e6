"""What it costs to ask many brokers at once."""
