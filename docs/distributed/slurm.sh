#!/bin/sh
#SBATCH --job-name=jambic
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=16
#SBATCH --mem=0
#SBATCH --time=24:00:00
#SBATCH --signal=TERM@120

# One rank a machine, with all its cores: sbatch docs/distributed/slurm.sh, from the folder of ./jambic, which all
# machines see. Slurm asks for the end two minutes before the time is over.

set -eu
./jambic --version # builds once, before the ranks start

# srun --mpi=list says which PMI there is: pmix for Open MPI, pmi2 for MPICH. Without either: mpirun instead of srun.
exec srun --mpi=pmix --kill-on-bad-exit=1 --cpus-per-task="$SLURM_CPUS_PER_TASK" \
  ./jambic train --preset shakespeare-char --gradient-accumulation-steps 8 --out runs/slurm
