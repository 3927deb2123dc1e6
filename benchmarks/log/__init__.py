"""How fast the gate's log takes acts in, and how fast it is checked from outside."""
