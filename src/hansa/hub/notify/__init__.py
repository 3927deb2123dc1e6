"""Delivering notifications: endpoints, a durable queue for each, and who carries them over.

What is to be delivered stands in the store's outbox (:mod:`hansa.store.outbox`), so a restart loses
nothing. Whoever has something to announce (subscriptions to entities, subscriptions to registrations)
puts a notice there; the :class:`~hansa.hub.notify.courier.Courier` of the tenant does the rest.
"""
