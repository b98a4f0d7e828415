package jambic.tensor.spi;

import jambic.tensor.JambicException;
import jambic.tensor.Precision;
import jambic.tensor.text.Text;
import java.util.List;

/** A backend on offer, found by {@link java.util.ServiceLoader}. */
public interface BackendProvider {
  /** What a machine answers when asked for a backend. */
  sealed interface Availability {}

  /**
   * The backend can be opened.
   *
   * @param description what it would run on
   */
  record Available(String description) implements Availability {}

  /**
   * The backend cannot be opened here.
   *
   * @param reason why, as half a sentence
   * @param remedy what to do about it, as an imperative sentence
   */
  record Unavailable(String reason, String remedy) implements Availability {}

  /**
   * The name by which a user picks it.
   *
   * @return {@code cpu}, {@code reference}, {@code cuda}
   */
  String name();

  /**
   * How willingly {@code auto} picks it: the highest available wins.
   *
   * @return a rank
   */
  int priority();

  /**
   * Looks whether the backend works here; never throws.
   *
   * @return the answer
   */
  Availability probe();

  /**
   * What {@link #probe} looked at, for who wants to know why it answered so: files that were found,
   * or places where they were not.
   *
   * @return lines for people; empty if there is nothing to tell
   */
  default List<String> details() {
    return List.of();
  }

  /**
   * Opens the backend.
   *
   * @param threads how many CPU threads it may use, at least 1
   * @return the backend
   * @throws UnavailableException if it does not open after all, though {@link #probe} saw no reason
   */
  Backend open(int threads);

  /**
   * Opens the backend for a way to compute; one that has no choice takes its own only.
   *
   * @param threads how many CPU threads it may use, at least 1
   * @param precision what to compute with
   * @return the backend
   * @throws UnavailableException if it does not open after all, though {@link #probe} saw no reason
   * @throws JambicException if it does not compute so: what it can
   */
  default Backend open(int threads, Precision precision) {
    if (precision != Precision.BEST && precision != Precision.FP32) {
      throw new JambicException(
          Text.format(
              "the backend %s computes in fp32 only, not in %s; choose that type, or the backend cuda",
              name(), precision));
    }
    return open(threads);
  }
}
