"""`python -m bahub`."""

from __future__ import annotations

from bahub.cli.main import main

if __name__ == "__main__":
    main()
