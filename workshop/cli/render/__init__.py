"""Drawing: the only place that prints. `screen` writes; every other module draws one thing."""
