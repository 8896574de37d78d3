"""IAM and STS, as much as a controller asks about its own role."""
