"""`python -m genesis_server` is `genesis`."""

from genesis_server.cli.main import main

if __name__ == "__main__":
    main()
