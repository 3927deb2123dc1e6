"""The tables of the outbox (see :mod:`hansa.store.outbox`).

``image`` is an entity before and after a change, ``notice`` a message that waits or was given up (``dead``),
``standing`` what became of a subscription's messages so far. Times are microseconds since 1970.
"""

from __future__ import annotations

from typing import Final

__all__ = ["TABLES"]

TABLES: Final = """
CREATE TABLE image (
  seq INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  before TEXT,
  after TEXT
) STRICT;
CREATE TABLE notice (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL,
  kind TEXT NOT NULL,
  subscription TEXT NOT NULL,
  endpoint TEXT NOT NULL,
  entity TEXT NOT NULL,
  due INTEGER NOT NULL,
  media_type TEXT NOT NULL,
  link TEXT,
  body BLOB NOT NULL,
  made INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  tried INTEGER,
  fault TEXT,
  dead INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX notice_queue ON notice (endpoint, number) WHERE dead = 0;
CREATE INDEX notice_order ON notice (subscription, entity, number) WHERE dead = 0;
CREATE INDEX notice_subscription ON notice (subscription, dead);
CREATE INDEX notice_dead ON notice (number) WHERE dead = 1;
CREATE TABLE standing (
  kind TEXT NOT NULL,
  subscription TEXT NOT NULL,
  sent INTEGER NOT NULL,
  failed INTEGER NOT NULL,
  last INTEGER,
  last_success INTEGER,
  last_failure INTEGER,
  fault TEXT,
  PRIMARY KEY (kind, subscription)
) STRICT, WITHOUT ROWID;
"""
