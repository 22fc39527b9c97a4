"""The AWS account and region that everything here is in."""

ACCOUNT_ID = "123456789012"
REGION = "us-east-1"
