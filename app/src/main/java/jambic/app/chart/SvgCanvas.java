package jambic.app.chart;

import jambic.tensor.text.Text;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/** Writes SVG 1.1, as a browser, an editor and a README show it. */
final class SvgCanvas implements Canvas {
  private static final String FONTS =
      "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'DejaVu Sans', sans-serif";

  private final StringBuilder svg = new StringBuilder();

  SvgCanvas(int width, int height, String title) {
    put(
        """
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" \
        role="img" font-family="%s">
        <title>%s</title>
        """,
        width, height, width, height, FONTS, escape(title));
  }

  @Override
  public void rectangle(double x, double y, double width, double height, Ink fill) {
    put(
        "<rect x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\"%s/>\n",
        number(x), number(y), number(width), number(height), paint("fill", fill));
  }

  @Override
  public void line(double[] x, double[] y, double width, Ink ink) {
    StringBuilder points = new StringBuilder();
    for (int i = 0; i < x.length; i++) {
      points.append(i == 0 ? "" : " ").append(number(x[i])).append(',').append(number(y[i]));
    }
    put(
        "<polyline points=\"%s\" fill=\"none\" stroke-width=\"%s\" stroke-linejoin=\"round\""
            + " stroke-linecap=\"round\"%s/>\n",
        points, number(width), paint("stroke", ink));
  }

  @Override
  public void circle(double x, double y, double radius, Ink fill, double rimWidth, Ink rim) {
    put(
        "<circle cx=\"%s\" cy=\"%s\" r=\"%s\"%s stroke-width=\"%s\"%s/>\n",
        number(x),
        number(y),
        number(radius),
        paint("fill", fill),
        number(rimWidth),
        paint("stroke", rim));
  }

  @Override
  public void text(String text, double x, double y, Anchor anchor, boolean vertical, Style style) {
    String place = Text.format("x=\"%s\" y=\"%s\"", number(x), number(y));
    put(
        "<text %s%s text-anchor=\"%s\" font-size=\"%s\"%s%s>%s</text>\n",
        place,
        vertical ? Text.format(" transform=\"rotate(-90 %s %s)\"", number(x), number(y)) : "",
        anchor.name().toLowerCase(Locale.ROOT),
        number(style.size()),
        style.bold() ? " font-weight=\"600\"" : "",
        paint("fill", style.ink()),
        escape(text));
  }

  @Override
  public byte[] bytes() {
    return (svg + "</svg>\n").getBytes(StandardCharsets.UTF_8);
  }

  private void put(String format, Object... arguments) {
    svg.append(Text.format(format, arguments));
  }

  private static String paint(String attribute, Ink ink) {
    String opacity =
        ink.opacity() == 1
            ? ""
            : Text.format(" %s-opacity=\"%s\"", attribute, number(ink.opacity()));
    return Text.format(" %s=\"#%06x\"%s", attribute, ink.rgb(), opacity);
  }

  /** Two decimals are a hundredth of a pixel; trailing zeros are noise in the file. */
  private static String number(double value) {
    double rounded = Math.rint(value * 100) / 100;
    return rounded == Math.rint(rounded) ? Long.toString((long) rounded) : Double.toString(rounded);
  }

  /** Escapes what XML reserves and drops what it forbids. */
  private static String escape(String text) {
    return text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replaceAll("[^\\t\\n\\x{20}-\\x{D7FF}\\x{E000}-\\x{FFFD}\\x{10000}-\\x{10FFFF}]", "");
  }
}
