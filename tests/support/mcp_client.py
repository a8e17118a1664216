"""The official client of the Model Context Protocol on `bemi mcp`, as a program of its own: its packages are not ours.

usage: mcp_client.py FLAGS...   (of bemi mcp); standard input: calls, as JSON: [["tool", {...}], ...]
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

from mcp.client.stdio import stdio_client  # type: ignore[import-not-found]

from mcp import ClientSession, StdioServerParameters  # type: ignore[import-not-found]


async def ask(flags: list[str], calls: list[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    server = StdioServerParameters(command=os.environ["BEMI"], args=["mcp", *flags], env=dict(os.environ))
    async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
        hello = await session.initialize()
        tools = [tool.name for tool in (await session.list_tools()).tools]
        answers = []
        for name, arguments in calls:
            result = await session.call_tool(name, arguments)
            answers.append({"is_error": bool(result.isError), "text": result.content[0].text})
        return {
            "server": hello.serverInfo.name,
            "revision": hello.protocolVersion,
            "tools": tools,
            "answers": answers,
        }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(ask(sys.argv[1:], json.loads(sys.stdin.read())))))
