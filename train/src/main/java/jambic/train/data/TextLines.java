package jambic.train.data;

import java.util.function.Consumer;

/** Puts the parts of a text, as {@link Utf8Reader} gives them, together to its lines. */
public final class TextLines implements Consumer<String> {
  /** Hears of lines. */
  @FunctionalInterface
  public interface Listener {
    /**
     * A line is whole.
     *
     * @param number its number, from 1
     * @param line the line, without its end
     */
    void onLine(long number, String line);
  }

  private final Listener listener;
  private final StringBuilder open = new StringBuilder(); // a line may lie across parts
  private long number;

  /**
   * Lines of no text yet.
   *
   * @param listener hears of each, in order
   */
  public TextLines(Listener listener) {
    this.listener = listener;
  }

  @Override
  public void accept(String part) {
    int from = 0;
    for (int end; (end = part.indexOf('\n', from)) >= 0; from = end + 1) {
      open.append(part, from, end);
      give();
    }
    open.append(part, from, part.length());
  }

  /** The text ends, perhaps with a line that has no end. */
  public void end() {
    if (!open.isEmpty()) {
      give();
    }
  }

  private void give() {
    String line = open.toString();
    open.setLength(0);
    listener.onLine(++number, line);
  }
}
