"""Metrics as readings of log events: EMF, statistics, the platform's figures. Pure."""
