"""What the families of benchmarks share: from the configuration of a run to tables and figures."""
