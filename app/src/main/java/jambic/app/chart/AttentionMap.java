package jambic.app.chart;

import jambic.app.chart.Canvas.Anchor;
import jambic.app.chart.Canvas.Ink;
import jambic.app.chart.Canvas.Style;
import jambic.app.terminal.Terminal;
import jambic.model.io.AtomicFile;
import jambic.model.translator.Alignment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Draws which words of a source the words of its translation attend to: a row for each word of the
 * translation, a column for each of the source.
 *
 * @param alignment what to draw
 */
public record AttentionMap(Alignment alignment) {
  private static final int CELL = 40;
  private static final int MARGIN = 16;
  private static final double LETTER = 8; // about the width of a letter
  private static final int NARROWEST = 3;
  private static final Ink PAPER = Ink.of(0xFFFFFF);
  private static final Ink SHADE = Ink.of(0x2563EB);
  private static final Ink EMPTY = Ink.of(0xF1F5F9);
  private static final Style LABEL = new Style(14, false, Ink.of(0x1E293B));

  /**
   * Tells whether a file's name says that it is a picture which can be written.
   *
   * @param file the file
   * @return whether it ends in {@code .svg} or {@code .png}
   */
  public static boolean isPicture(Path file) {
    return file.toString().matches(".*\\.(svg|png)");
  }

  /**
   * Writes a picture.
   *
   * @param file where to; {@link #isPicture} of it holds
   */
  public void write(Path file) {
    int left = MARGIN + 8 + (int) Math.ceil(LETTER * longest(alignment.targets()));
    int top = MARGIN + 8 + (int) Math.ceil(LETTER * longest(alignment.sources()));
    int width = left + CELL * alignment.sources().size() + MARGIN;
    int height = top + CELL * alignment.targets().size() + MARGIN;
    Canvas canvas =
        file.toString().endsWith(".svg")
            ? new SvgCanvas(width, height, "attention")
            : new PngCanvas(width, height);
    canvas.rectangle(0, 0, width, height, PAPER);
    for (int s = 0; s < alignment.sources().size(); s++) {
      double x = left + CELL * (s + 0.5) + 5;
      canvas.text(alignment.sources().get(s), x, top - 8, Anchor.START, true, LABEL);
    }
    for (int t = 0; t < alignment.targets().size(); t++) {
      double y = top + CELL * t;
      canvas.text(alignment.targets().get(t), left - 8, y + 25, Anchor.END, false, LABEL);
      double[] row = alignment.weights().get(t);
      for (int s = 0; s < row.length; s++) {
        double x = left + CELL * s;
        canvas.rectangle(x + 1, y + 1, CELL - 2, CELL - 2, EMPTY);
        canvas.rectangle(x + 1, y + 1, CELL - 2, CELL - 2, SHADE.faded(row[s]));
      }
    }
    AtomicFile.write(file, stream -> stream.write(canvas.bytes()));
  }

  /**
   * Draws the same as lines of a terminal.
   *
   * @param alignment what to draw
   * @param terminal where
   * @return the lines
   */
  public static List<String> lines(Alignment alignment, Terminal terminal) {
    int left = longest(alignment.targets());
    List<String> lines = new ArrayList<>();
    StringBuilder head = new StringBuilder(" ".repeat(left));
    alignment.sources().forEach(word -> head.append(' ').append(padded(word, width(word))));
    lines.add(head.toString().stripTrailing());
    for (int t = 0; t < alignment.targets().size(); t++) {
      StringBuilder line = new StringBuilder(padded(alignment.targets().get(t), left));
      for (int s = 0; s < alignment.sources().size(); s++) {
        int width = width(alignment.sources().get(s));
        line.append(' ').append(terminal.shade(alignment.weights().get(t)[s]).repeat(width));
      }
      lines.add(line.toString().stripTrailing());
    }
    return lines;
  }

  private static int width(String word) {
    return Math.max(NARROWEST, length(word));
  }

  private static int longest(List<String> words) {
    return words.stream().mapToInt(AttentionMap::length).max().orElse(0);
  }

  private static int length(String word) {
    return word.codePointCount(0, word.length());
  }

  private static String padded(String word, int length) {
    return word + " ".repeat(length - length(word));
  }
}
