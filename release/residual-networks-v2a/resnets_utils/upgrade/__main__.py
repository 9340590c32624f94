"""``python -m resnets_utils.upgrade OLD.ipynb``, in the release's folder."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from resnets_utils.border.reply import reason_of
from resnets_utils.hinted_errors import StudentError
from resnets_utils.upgrade import upgrade


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status: 0, or 1 after an error in words."""
    parser = argparse.ArgumentParser(
        prog="python -m resnets_utils.upgrade",
        description="Carry the answers of an older notebook into a newer release.",
    )
    parser.add_argument("old", metavar="OLD.ipynb", help="the older notebook; it is only read")
    parser.add_argument(
        "--release",
        metavar="FOLDER_OR_NOTEBOOK",
        help="the release to fill (default: the one in this folder)",
    )
    parser.add_argument(
        "--output",
        metavar="NEW.ipynb",
        help="the new notebook (default: the release's own, if it is still blank)",
    )
    chosen = parser.parse_args(arguments)
    try:
        upgrade(chosen.old, chosen.release, chosen.output)
    except StudentError as error:
        print(error, file=sys.stderr)
        return 1
    except Exception as error:
        said = reason_of(error).split("\n")[0]
        print(f"error: {chosen.old} could not be upgraded: {said}", file=sys.stderr)
        print("hint: show the notebook and this error to your instructor", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("error: interrupted\nhint: run the command again", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
