"""What `doctor` says of what it has read: pure functions from what was seen to findings. Nothing here calls an API."""
