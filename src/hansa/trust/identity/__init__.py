"""Who somebody is, and how they prove it: accounts, second factors, sessions, links, tokens and machines.

:class:`~hansa.trust.identity.desk.Desk` puts the parts together. All that is kept stands in the vault, and of
every secret only a hash: argon2 for what people choose, SHA-256 for what is long and random.
"""
