"""What this service is compared with, each with a sensible schema and all cores."""
