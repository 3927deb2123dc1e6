"""Residents and what is held about them: which entities are theirs, who read these, what they agreed to, what they ask for.

:class:`~hansa.trust.residents.residents.Residents` puts the parts together. All of it stands in the vault, and each change is
logged before it counts; the log holds commitments only, so that what is erased here says nothing there either.
"""
