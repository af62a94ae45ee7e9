"""The Kafka edge: the Faust app, the providers, settings and the command line."""
