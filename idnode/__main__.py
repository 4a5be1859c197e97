"""`python -m idnode`: the same program as `idnode`."""

from idnode.cli import main

if __name__ == "__main__":
    main()
