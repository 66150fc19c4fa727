"""What operators see of a server: its log, and with the extra ``telemetry`` its spans and metrics."""
