"""The systems that this service is compared with, each with a suitable schema and all cores."""
