"""JSON over HTTP: parse, one call, render."""
