package jambic.app.chart;

/**
 * What a chart is drawn on. Lengths are in units of the chart's own size, x to the right and y
 * down; later things cover earlier ones.
 */
interface Canvas {
  /** A colour, 0xRRGGBB, and how much it covers, from 0 to 1. */
  record Ink(int rgb, double opacity) {
    static Ink of(int rgb) {
      return new Ink(rgb, 1);
    }

    Ink faded(double opacity) {
      return new Ink(rgb, opacity);
    }
  }

  /** Where a text's given point lies. */
  enum Anchor {
    START,
    MIDDLE,
    END
  }

  /** A text's size, weight and colour. */
  record Style(double size, boolean bold, Ink ink) {}

  void rectangle(double x, double y, double width, double height, Ink fill);

  /** A line through the points (x[i], y[i]), its joins rounded. */
  void line(double[] x, double[] y, double width, Ink ink);

  /** A disc with a rim; the rim's width is centred on the radius. */
  void circle(double x, double y, double radius, Ink fill, double rimWidth, Ink rim);

  /** A line of text whose baseline is at y, turned a quarter to the left if vertical. */
  void text(String text, double x, double y, Anchor anchor, boolean vertical, Style style);

  /** The finished file. */
  byte[] bytes();
}
