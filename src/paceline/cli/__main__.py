"""`python -m paceline.cli`, where the command isn't on the path."""

from paceline.cli.commands import main

if __name__ == "__main__":
    main()
