"""The register of algorithms: every service, model and rule engine that reads the city's data has a record.

`record` is the form of a record and what may not be in one (pure); `register` keeps them, and makes the principal
as which an algorithm reads.
"""
