"""A serverless-observability workshop: run a step, keep its telemetry, check the work by it."""
