"""The loop and its threads: wake, observe, plan, execute."""
