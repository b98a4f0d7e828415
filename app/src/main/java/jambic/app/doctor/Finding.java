package jambic.app.doctor;

/**
 * What the doctor found out about one thing.
 *
 * @param name the thing
 * @param healthy whether it is as it should be
 * @param value how it is
 * @param remedy what to do about it; empty if there is nothing to do
 */
public record Finding(String name, boolean healthy, String value, String remedy) {
  private static final String DETAIL = "  ";

  /**
   * Whether it only adds to the finding before it.
   *
   * @return true for a line that a short report leaves out
   */
  public boolean isDetail() {
    return healthy && name.startsWith(DETAIL);
  }

  static Finding detail(String name, String value) {
    return fine(DETAIL + name, value);
  }

  static Finding fine(String name, String value) {
    return new Finding(name, true, value, "");
  }

  static Finding of(String name, boolean healthy, String value, String remedy) {
    return new Finding(name, healthy, value, healthy ? "" : remedy);
  }
}
