"""How throughput, take-over and memory grow with processes, partitions, backlog, bursts and sizes of prompts."""
