"""The `genesis` command.

It talks to a server through the client package, except `serve`, `config`, `backup`, `restore` and `agents import`.
"""
