"""Reads the output of llm.c's train_gpt2 and prints its steps as a row, in the form of torch_ops.py.

    train_gpt2 | python llmc_row.py --threads 2 --iters 5

Ends, and with it train_gpt2, after as many steps as asked for, the first one not counted.
"""

import argparse
import json
import re
import statistics
import sys


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--iters", type=int, required=True)
    parser.add_argument("--version", default="", help="which commit of llm.c this is")
    args = parser.parse_args()
    times = []
    for line in sys.stdin:
        took = re.match(r"step \d+: .*\(took ([\d.]+) ms\)", line)
        if took:
            times.append(float(took.group(1)))
        if len(times) > args.iters:
            break
    times = times[1:]
    if not times:
        sys.exit("llmc_row.py: train_gpt2 printed no step")
    row = dict(
        bench="step", case="gpt2-124m", engine="llm.c", threads=args.threads, n=len(times), unit="ms",
        min=min(times), median=statistics.median(times), max=max(times), tokens=256, version=args.version,
    )
    print(json.dumps(row))


if __name__ == "__main__":
    main()
