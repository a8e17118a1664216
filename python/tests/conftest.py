"""The servers and the worker of the whole project's tests."""

pytest_plugins = ["support.fixtures"]
