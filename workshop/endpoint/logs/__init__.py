"""CloudWatch Logs: log groups, log events, filter patterns and Insights queries."""
