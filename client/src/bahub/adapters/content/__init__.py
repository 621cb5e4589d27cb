"""What content looks like when it is whole: one inspector for each format (contract B 3.4, `verify looks at`)."""
