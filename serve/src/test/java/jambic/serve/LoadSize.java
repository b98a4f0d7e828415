package jambic.serve;

/**
 * How much the tests of load do: a little, or with {@code -Djambic.load=full} as much as many
 * clients.
 */
final class LoadSize {
  private static final boolean FULL = "full".equals(System.getProperty("jambic.load"));

  private LoadSize() {}

  static int of(int few, int many) {
    return FULL ? many : few;
  }
}
