"""Subscriptions to entities: what they are, which of them a change concerns, what is said to whom.

The road of a change: the store keeps the entity before and after it (an image); the
:mod:`~hansa.hub.subscriptions.matcher` finds the subscriptions that it concerns by their
:mod:`~hansa.hub.subscriptions.index`, and puts one notice for each into the store's outbox, in the
transaction that drops the image. :mod:`hansa.hub.notify` delivers what stands there.
"""
