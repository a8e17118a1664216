"""Shared by all tests below. The fixtures are a plugin so that python/tests can use them too."""

from support.postgres import available

pytest_plugins = ["support.fixtures"]


def pytest_report_header() -> str:
    return f"PostgreSQL servers: {', '.join(map(str, available())) or 'none installed'}"
