"""The dashboard: one page on loopback that shows what the topics say, now and over the last while."""
