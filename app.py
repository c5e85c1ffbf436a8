"""The page, here and on a Space: `python app.py`."""

from dviz.cli.app import main

if __name__ == "__main__":
    main()
