"""The stage contract: declare, compose, check, run, fingerprint, verify."""
