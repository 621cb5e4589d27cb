"""The least that can answer a listing: given statements sent to PostgreSQL by asyncpg, their rows as JSON.

Run by `requests.py` with uvicorn, in a process of its own. There is no log-in, no transaction and no error handling.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

STATEMENTS, URL = "BENCH_STATEMENTS", "BENCH_DATABASE_URL"
"""Variables: a file with a pickled list of statements and their parameters, and the database."""
_CONNECTIONS = 5


def create() -> Starlette:
    """Build the application from the environment."""
    statements = pickle.loads(Path(os.environ[STATEMENTS]).read_bytes())  # noqa: S301 - written by who started us
    idle: list[asyncpg.Connection] = []

    async def answer(_: Request) -> Response:
        connection = idle.pop() if idle else await asyncpg.connect(os.environ[URL])
        rows = [dict(row) for text, values in statements for row in await connection.fetch(text, *values)]
        idle.append(connection)
        return Response(json.dumps(rows, default=str), media_type="application/json")

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        idle.extend([await asyncpg.connect(os.environ[URL]) for _ in range(_CONNECTIONS)])
        yield
        for connection in idle:
            await connection.close()

    return Starlette(routes=[Route("/", answer)], lifespan=lifespan)
