"""`python -m tests.characterisation [--record] [flow …]` plays flows.

With --record their transcripts are written anew."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import time

from tests.characterisation.flows import FLOWS, transcript_of
from tests.characterisation.pressed import write_pressed
from tests.characterisation.recorded import difference, record


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.characterisation", description=__doc__)
    parser.add_argument("--record", action="store_true", help="write the transcripts and the list of buttons anew")
    parser.add_argument("flow", nargs="*", choices=[*FLOWS, []], help="all of them unless some are named")
    asked = parser.parse_args()
    logging.disable(logging.CRITICAL)
    differing = 0
    for name in asked.flow or FLOWS:
        began = time.monotonic()
        transcript = asyncio.run(transcript_of(name))
        found = difference(name, transcript)
        differing += bool(found)
        print(f"{name}: {'as recorded' if not found else 'differs'}, {time.monotonic() - began:.1f} s", flush=True)
        if asked.record:
            record(name, transcript)
        elif found:
            print(found)
    if asked.record:
        write_pressed()
    return 0 if asked.record or not differing else 1


if __name__ == "__main__":
    sys.exit(main())
