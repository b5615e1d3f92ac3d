"""What a process tells Prometheus: names in a catalogue, values in cells, served on a port of their own."""
