"""Where blobs live: the contract, its drivers and wrappers."""
