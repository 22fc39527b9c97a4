"""The AWS APIs of a lab, over HTTP on loopback: logs, cloudwatch, xray and lambda."""
