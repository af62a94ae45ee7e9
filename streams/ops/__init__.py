"""How a worker is run: metrics, logs, web, watchdog, shutdown."""
