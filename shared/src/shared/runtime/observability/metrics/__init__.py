"""The metrics of a process: a catalogue of names, instruments that hold the values, and a server for Prometheus."""
