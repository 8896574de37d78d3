"""The demo: a story played with real processes, shown as it happens, and judged by what the world says afterwards."""
