package jambic.tensor.spi;

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
   * Opens the backend.
   *
   * @param threads how many CPU threads it may use, at least 1
   * @return the backend
   */
  Backend open(int threads);
}
