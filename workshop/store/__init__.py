"""The store: log events and segments, what is durable and when."""

from workshop.store.errors import StoreError
from workshop.store.store import Store

__all__ = ["Store", "StoreError"]
