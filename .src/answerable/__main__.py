"""The door of the command line. No garbage is collected while modules load: nothing of theirs is garbage, and it takes a quarter of the start."""

import gc

gc.disable()

from answerable.integrations.cli import main  # noqa: E402

gc.freeze()
gc.enable()

if __name__ == "__main__":
    main()
