"""The main jobs: backup (source, compression, encryption, upload), restore and verify (backwards)."""
