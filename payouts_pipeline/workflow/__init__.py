"""The use cases: what moves a day forward and resumes it, and what a person may do. No Dagster, no SQL of its own."""
