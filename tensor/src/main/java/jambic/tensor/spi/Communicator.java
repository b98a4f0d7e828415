package jambic.tensor.spi;

import jambic.tensor.JambicException;
import java.lang.foreign.MemorySegment;

/**
 * The ranks of a job: processes that compute one result together, on one machine or many. It moves
 * bytes and knows nothing of what they mean: sums are the caller's, in an order that does not
 * depend on the network.
 *
 * <p>{@link #broadcast}, {@link #exchange}, {@link #gatherAll} and {@link #close} are collectives:
 * every rank calls the same ones in the same order with the same sizes, and each call returns when
 * this rank's part is done. Any thread may call, one at a time. Segments may lie on the heap or
 * outside, may have any size (also none, and beyond 2 GiB), and must not overlap. A collective that
 * waits for a rank longer than the job's timeout ends the process, because the ranks cannot agree
 * any more on what comes next.
 */
public interface Communicator extends AutoCloseable {
  /**
   * This process's number in the job.
   *
   * @return a number from 0 to {@link #size} - 1
   */
  int rank();

  /**
   * How many processes the job has.
   *
   * @return at least 1
   */
  int size();

  /**
   * This process's number among those of its machine.
   *
   * @return a number from 0 to {@link #localSize} - 1
   */
  int localRank();

  /**
   * How many processes of the job run on this machine and share its processors, memory and GPUs.
   *
   * @return at least 1
   */
  int localSize();

  /**
   * Copies one rank's bytes to all others.
   *
   * @param data what the root sends and the others receive, of one size on all ranks
   * @param root the rank that sends
   * @throws IllegalArgumentException if there is no such rank
   * @throws JambicException if a rank or the network fails
   */
  void broadcast(MemorySegment data, int root);

  /**
   * Sends each rank its part and receives a part from each (all-to-all): part {@code i} of what
   * rank {@code j} sends becomes part {@code j} of what rank {@code i} receives.
   *
   * @param send {@link #size} parts of equal size, part {@code i} for rank {@code i}
   * @param receive as large; part {@code i} comes from rank {@code i}
   * @throws IllegalArgumentException if the sizes differ or cannot be divided
   * @throws JambicException if a rank or the network fails
   */
  void exchange(MemorySegment send, MemorySegment receive);

  /**
   * Gathers one part of each rank on all ranks (allgather).
   *
   * @param mine this rank's part, of one size on all ranks
   * @param all {@link #size} such parts; part {@code i} comes from rank {@code i}
   * @throws IllegalArgumentException if {@code all} is not {@link #size} times as large
   * @throws JambicException if a rank or the network fails
   */
  void gatherAll(MemorySegment mine, MemorySegment all);

  /**
   * Ends the whole job, all ranks of it, at once. Does not return: this process ends, too.
   *
   * @param code what the processes exit with, from 1 to 255; a launcher may report another code
   *     than 0 instead
   */
  void abort(int code);

  /**
   * Leaves the job: waits for all ranks to close. A second call does nothing. A rank that fails
   * alone must not wait here, because others wait for it: it calls {@link #abort}.
   */
  @Override
  void close();
}
