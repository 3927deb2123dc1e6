"""Keeping a node well: backup, restore and the check-up. At the machine, by its operator."""
