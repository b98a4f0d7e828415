"""PyTorch's DistributedDataParallel over gloo beside a process of its own: what two ranks cost.

Two processes of one thread share an iteration's micro batches, as `mpirun -n 2 ./jambic train ... --threads 1` does;
one process of two threads does the same iteration alone. Prints one JSON object a line, the last with both rates.

    python torch_ddp.py --preset shakespeare-char --batch 16 --micros 2 --iters 5
"""

import argparse
import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from dataclasses import replace

import torch
import torch.distributed as dist
import torch.nn as nn
from torch.nn.parallel import DistributedDataParallel

import torch_gpt


def worker(args):
    """One process: times iterations of its share of the micro batches."""
    torch.set_num_threads(args.threads)
    rank, world = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    preset = replace(torch_gpt.PRESETS[args.preset], batch=args.batch)
    training = torch_gpt.Training(preset, args.mode, args.data)
    forward = training.forward
    if world > 1:
        dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{args.port}", rank=rank, world_size=world)
        forward = DistributedDataParallel(training.forward)
    torch.manual_seed(1337 + rank)  # other batches on each
    share = args.micros // world
    times = []
    for iteration in range(args.warmup + args.iters):
        if world > 1:
            dist.barrier()
        start = time.perf_counter()
        for micro in range(share):
            late = world > 1 and micro < share - 1
            with forward.no_sync() if late else contextlib.nullcontext():
                (forward(*training.text.batch("train", preset)) / share).backward()
        nn.utils.clip_grad_norm_(training.model.parameters(), preset.clip)
        training.optimizer.step()
        training.optimizer.zero_grad(set_to_none=True)
        if iteration >= args.warmup:
            times.append((time.perf_counter() - start) * 1e3)
    if rank == 0:
        print(json.dumps(times), flush=True)
    if world > 1:
        dist.destroy_process_group()


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def measure(args, processes, threads):
    """Milliseconds of each iteration on so many processes."""
    command = [sys.executable, __file__, "--worker", "--threads", str(threads), "--port", str(free_port())]
    for name in ("preset", "batch", "micros", "iters", "warmup", "mode", "data"):
        if getattr(args, name) is not None:
            command += [f"--{name}", str(getattr(args, name))]
    started = []
    for rank in range(processes):
        env = dict(os.environ, RANK=str(rank), WORLD_SIZE=str(processes), OMP_NUM_THREADS=str(threads))
        started.append(subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True))
    outputs = [process.communicate()[0] for process in started]
    if any(process.returncode for process in started):
        sys.exit(f"{processes} processes of {threads} threads: one of them failed")
    return json.loads(outputs[0])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=torch_gpt.PRESETS, default="shakespeare-char")
    parser.add_argument("--batch", type=int, default=16, help="rows of a micro batch")
    parser.add_argument("--micros", type=int, default=2, help="micro batches of an iteration, of all processes")
    parser.add_argument("--iters", type=int, default=5)
    parser.add_argument("--warmup", type=int, default=1)
    parser.add_argument("--mode", default="eager")
    parser.add_argument("--data")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--threads", type=int, default=1, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, default=0, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        worker(args)
        return
    if args.micros % 2:
        parser.error("--micros must be even: two processes share them")
    rates = {}
    for processes, threads in ((1, 2), (2, 1)):
        times = measure(args, processes, threads)
        tokens = args.batch * args.micros * torch_gpt.PRESETS[args.preset].block
        rates[processes] = tokens / statistics.median(times) * 1e3
        print(
            json.dumps(
                dict(
                    bench="ddp", case=args.preset, engine=f"torch-{args.mode}", processes=processes, threads=threads,
                    min=min(times), median=statistics.median(times), max=max(times), n=len(times),
                    tokens_per_s=rates[processes],
                )
            ),
            flush=True,
        )
    print(json.dumps(dict(bench="ddp", case=args.preset, two_processes_over_one=rates[2] / rates[1])))


if __name__ == "__main__":
    main()
