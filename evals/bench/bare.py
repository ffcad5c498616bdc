"""A bare FastAPI route that runs SQL on a DuckDB file: what the chat API is measured against."""

from __future__ import annotations

import sys
from typing import Any

import duckdb
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel


class Body(BaseModel):
    sql: str


def app(file: str) -> FastAPI:
    made = FastAPI()
    connection = duckdb.connect(file, read_only=True)

    @made.post("/sql")
    def sql(body: Body) -> dict[str, Any]:
        cursor = connection.cursor()
        rows = cursor.execute(body.sql).fetchall()
        return {"columns": [column[0] for column in cursor.description or ()], "rows": [list(map(str, row)) for row in rows]}

    return made


if __name__ == "__main__":
    uvicorn.run(app(sys.argv[1]), port=int(sys.argv[2]), log_level="critical")
