"""The card processor: the service that the steps' functions call, on loopback, with test cards."""
