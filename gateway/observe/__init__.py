"""What is told to the people who run the gateway: log, audit events, metrics."""
