"""Who hears of events, and where unexpected exceptions are reported."""
