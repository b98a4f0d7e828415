package jambic.app.chart;

import jambic.tensor.JambicException;
import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.Shape;
import java.awt.geom.AffineTransform;
import java.awt.geom.Ellipse2D;
import java.awt.geom.Path2D;
import java.awt.geom.Rectangle2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import javax.imageio.ImageIO;
import javax.imageio.stream.MemoryCacheImageOutputStream;

/** Paints pixels, two to a unit so that text is sharp on dense screens. */
final class PngCanvas implements Canvas {
  private static final int PIXELS_PER_UNIT = 2;

  private final BufferedImage image;
  private final Graphics2D graphics;

  PngCanvas(int width, int height) {
    // Nothing is ever shown, and without this macOS opens a dock icon for the process.
    System.setProperty("java.awt.headless", "true");
    image =
        new BufferedImage(
            width * PIXELS_PER_UNIT, height * PIXELS_PER_UNIT, BufferedImage.TYPE_INT_RGB);
    graphics = image.createGraphics();
    graphics.scale(PIXELS_PER_UNIT, PIXELS_PER_UNIT);
    graphics.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
    graphics.setRenderingHint(RenderingHints.KEY_STROKE_CONTROL, RenderingHints.VALUE_STROKE_PURE);
    graphics.setRenderingHint(
        RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
    graphics.setRenderingHint(
        RenderingHints.KEY_FRACTIONALMETRICS, RenderingHints.VALUE_FRACTIONALMETRICS_ON);
    try {
      graphics.getFontMetrics(); // makes Java look for its fonts
    } catch (RuntimeException | Error e) { // it throws any of five, by platform and version
      throw new JambicException(
          "a PNG needs a font and this machine has none Java can use; write an .svg instead, or"
              + " install fontconfig and a font such as DejaVu",
          e);
    }
  }

  @Override
  public void rectangle(double x, double y, double width, double height, Ink fill) {
    graphics.setColor(color(fill));
    graphics.fill(new Rectangle2D.Double(x, y, width, height));
  }

  @Override
  public void line(double[] x, double[] y, double width, Ink ink) {
    Path2D.Double path = new Path2D.Double();
    for (int i = 0; i < x.length; i++) {
      if (i == 0) {
        path.moveTo(x[i], y[i]);
      } else {
        path.lineTo(x[i], y[i]);
      }
    }
    stroke(path, width, ink);
  }

  @Override
  public void circle(double x, double y, double radius, Ink fill, double rimWidth, Ink rim) {
    Shape disc = new Ellipse2D.Double(x - radius, y - radius, 2 * radius, 2 * radius);
    graphics.setColor(color(fill));
    graphics.fill(disc);
    stroke(disc, rimWidth, rim);
  }

  @Override
  public void text(String text, double x, double y, Anchor anchor, boolean vertical, Style style) {
    graphics.setColor(color(style.ink()));
    Font font = new Font(Font.SANS_SERIF, style.bold() ? Font.BOLD : Font.PLAIN, 1);
    graphics.setFont(font.deriveFont((float) style.size()));
    double width = graphics.getFontMetrics().getStringBounds(text, graphics).getWidth();
    double before =
        switch (anchor) {
          case START -> 0;
          case MIDDLE -> width / 2;
          case END -> width;
        };
    AffineTransform upright = graphics.getTransform();
    graphics.translate(x, y);
    if (vertical) {
      graphics.rotate(-Math.PI / 2);
    }
    graphics.drawString(text, (float) -before, 0);
    graphics.setTransform(upright);
  }

  @Override
  public byte[] bytes() {
    ByteArrayOutputStream png = new ByteArrayOutputStream();
    // Left to itself, ImageIO writes into a file of the temporary folder first, which may be full.
    try (var memory = new MemoryCacheImageOutputStream(png)) {
      ImageIO.write(image, "png", memory);
    } catch (IOException e) {
      throw new UncheckedIOException("memory refuses no bytes", e);
    }
    return png.toByteArray();
  }

  private void stroke(Shape shape, double width, Ink ink) {
    graphics.setColor(color(ink));
    graphics.setStroke(
        new BasicStroke((float) width, BasicStroke.CAP_ROUND, BasicStroke.JOIN_ROUND));
    graphics.draw(shape);
  }

  private static Color color(Ink ink) {
    return new Color(
        ink.rgb() >> 16 & 0xFF,
        ink.rgb() >> 8 & 0xFF,
        ink.rgb() & 0xFF,
        (int) Math.round(255 * ink.opacity()));
  }
}
