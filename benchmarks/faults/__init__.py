"""Three federated nodes under random faults: what was acknowledged against what is there afterwards."""
