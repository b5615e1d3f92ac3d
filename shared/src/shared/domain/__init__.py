"""What Etude means, without how it runs: no await, no clock, no network."""
