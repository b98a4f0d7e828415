package jambic.app.chart;

import jambic.app.chart.Canvas.Anchor;
import jambic.app.chart.Canvas.Ink;
import jambic.app.chart.Canvas.Style;
import jambic.model.io.AtomicFile;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import jambic.train.run.Metrics;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;

/**
 * The loss curves of one or more runs: the training loss as a thin line over its own noise, the
 * validation loss as a line with a point for each evaluation.
 *
 * @param title what stands above
 * @param runs what to draw, at least one
 */
public record LossChart(String title, List<Run> runs) {
  /**
   * One run of the chart.
   *
   * @param name what the legend calls it
   * @param metrics its log
   */
  public record Run(String name, List<Metrics> metrics) {}

  private static final int WIDTH = 960;
  private static final int HEIGHT = 540;
  private static final double LEFT = 64;
  private static final double RIGHT = WIDTH - 36;
  private static final double TOP = 64;
  private static final double BOTTOM = HEIGHT - 60;

  /** More points than pixels say nothing and make an SVG of megabytes. */
  private static final int MOST_POINTS = 800;

  private static final int MOST_DOTS = 120;
  private static final int LONGEST_NAME = 48;

  private static final Ink PAPER = Ink.of(0xFFFFFF);
  private static final Ink GRID = Ink.of(0xE6EAF0);
  private static final Ink FRAME = Ink.of(0x94A3B8);
  private static final Style TITLE = new Style(20, true, Ink.of(0x0F172A));
  private static final Style LABEL = new Style(13, false, Ink.of(0x64748B));
  private static final Style LEGEND = new Style(13.5, false, Ink.of(0x1E293B));

  private static final List<Ink> INKS =
      List.of(
          Ink.of(0x2563EB),
          Ink.of(0xEA580C),
          Ink.of(0x059669),
          Ink.of(0x9333EA),
          Ink.of(0xDB2777),
          Ink.of(0x0891B2),
          Ink.of(0xB45309),
          Ink.of(0x475569));

  /** One run's lines, with their colours. */
  private record Curve(String name, Series train, Ink trainInk, Series val, Ink valInk) {}

  /** One line of the legend; a curve without dots is a thin one. */
  private record Entry(String text, Ink ink, boolean dots) {}

  /**
   * Draws the chart into a file.
   *
   * @param file where to; its name ends in {@code .svg} or {@code .png}
   * @throws JambicException if the name ends otherwise, a run has no loss yet, the file cannot be
   *     written, or a PNG is asked for on a machine without fonts
   */
  public void write(Path file) {
    String name = file.toString().toLowerCase(Locale.ROOT);
    Canvas canvas;
    if (name.endsWith(".svg")) {
      canvas = new SvgCanvas(WIDTH, HEIGHT, title);
    } else if (name.endsWith(".png")) {
      canvas = new PngCanvas(WIDTH, HEIGHT);
    } else {
      throw new JambicException(file + " must end in .svg or .png, the formats of a chart");
    }
    draw(canvas);
    AtomicFile.write(file, stream -> stream.write(canvas.bytes()));
  }

  private void draw(Canvas canvas) {
    List<Curve> curves = curves();
    Axis x = Axis.counting(Math.max(1, all(curves, Series::x).max().orElseThrow()), 9, LEFT, RIGHT);
    double least = all(curves, Series::y).min().orElseThrow();
    double most = all(curves, Series::y).max().orElseThrow();
    double large = Math.max(Math.abs(least), Math.abs(most));
    // A flat curve has a middle to lie in, also where doubles are far apart.
    double margin = DoubleStream.of((most - least) * 0.03, large * 1e-6, 0.01).max().orElseThrow();
    Axis y = Axis.around(least - margin, most + margin, 8, BOTTOM, TOP);

    canvas.rectangle(0, 0, WIDTH, HEIGHT, PAPER);
    canvas.text(title, LEFT, 38, Anchor.START, false, TITLE);
    drawAxes(canvas, x, y);
    curves.forEach(curve -> drawTrain(canvas, x, y, curve));
    curves.forEach(curve -> drawVal(canvas, x, y, curve));
    drawLegend(canvas, legend(curves));
  }

  private List<Curve> curves() {
    List<Curve> curves = new ArrayList<>();
    for (int i = 0; i < runs.size(); i++) {
      Run run = runs.get(i);
      Series train = series(run.metrics(), Metrics.Step.class, Metrics.Step::loss);
      Series val = series(run.metrics(), Metrics.Evaluation.class, Metrics.Evaluation::valLoss);
      if (train.size() + val.size() == 0) {
        throw new JambicException(run.name() + " has no loss to draw yet");
      }
      if (train.size() > 0 && val.size() > 1 && val.x()[0] == 0) {
        // Where the training curve starts too; a straight line from there would say nothing.
        val = val.withoutFirst();
      }
      Ink ink = INKS.get(i % INKS.size());
      Ink valInk = runs.size() == 1 ? INKS.get(1) : ink; // alone, a run's two lines can differ
      curves.add(new Curve(shortened(run.name()), train.thinned(MOST_POINTS), ink, val, valInk));
    }
    return curves;
  }

  private static <M extends Metrics> Series series(
      List<Metrics> metrics, Class<M> kind, ToDoubleFunction<M> loss) {
    List<M> known =
        metrics.stream()
            .filter(kind::isInstance)
            .map(kind::cast)
            .filter(line -> Double.isFinite(loss.applyAsDouble(line)))
            .toList();
    return new Series(
        known.stream().mapToDouble(Metrics::iter).toArray(),
        known.stream().mapToDouble(loss).toArray());
  }

  private static DoubleStream all(List<Curve> curves, Function<Series, double[]> values) {
    return curves.stream()
        .flatMap(curve -> Stream.of(curve.train(), curve.val()))
        .flatMapToDouble(series -> DoubleStream.of(values.apply(series)));
  }

  private static void drawAxes(Canvas canvas, Axis x, Axis y) {
    for (double tick : y.ticks()) {
      double at = y.place(tick);
      segment(canvas, LEFT, at, RIGHT, at, GRID);
      canvas.text(y.label(tick), LEFT - 10, at + 4.5, Anchor.END, false, LABEL);
    }
    for (double tick : x.ticks()) {
      double at = x.place(tick);
      segment(canvas, at, BOTTOM, at, BOTTOM + 5, FRAME);
      canvas.text(x.label(tick), at, BOTTOM + 21, Anchor.MIDDLE, false, LABEL);
    }
    segment(canvas, LEFT, BOTTOM, RIGHT, BOTTOM, FRAME);
    canvas.text("iteration", (LEFT + RIGHT) / 2, HEIGHT - 14, Anchor.MIDDLE, false, LABEL);
    canvas.text("loss (nats per token)", 18, (TOP + BOTTOM) / 2, Anchor.MIDDLE, true, LABEL);
  }

  private static void drawTrain(Canvas canvas, Axis x, Axis y, Curve curve) {
    drawLine(canvas, x, y, curve.train(), 0.8, curve.trainInk().faded(0.28));
    Series smooth = curve.train().smoothed(curve.train().size() / 100);
    drawLine(canvas, x, y, smooth, 1.4, curve.trainInk());
  }

  private static void drawVal(Canvas canvas, Axis x, Axis y, Curve curve) {
    Series val = curve.val();
    drawLine(canvas, x, y, val, 2.2, curve.valInk());
    if (val.size() <= MOST_DOTS) {
      for (int i = 0; i < val.size(); i++) {
        dot(canvas, x.place(val.x()[i]), y.place(val.y()[i]), curve.valInk());
      }
    }
  }

  private static List<Entry> legend(List<Curve> curves) {
    List<Entry> entries = new ArrayList<>();
    for (Curve curve : curves) {
      boolean alone = curves.size() == 1;
      if (curve.train().size() > 0 && alone) {
        entries.add(new Entry("training", curve.trainInk(), false));
      }
      if (curve.val().size() > 0) {
        int best = curve.val().lowest();
        String what = alone ? "validation" : curve.name();
        entries.add(
            new Entry(
                Text.format(
                    "%s, best %.3f at %,d",
                    what, curve.val().y()[best], (long) curve.val().x()[best]),
                curve.valInk(),
                true));
      } else if (!alone) {
        entries.add(new Entry(curve.name(), curve.trainInk(), false));
      }
    }
    if (curves.size() > 1) {
      entries.add(new Entry("training", FRAME, false));
    }
    return entries;
  }

  private static void drawLegend(Canvas canvas, List<Entry> entries) {
    double row = 22;
    double sample = 30;
    double pad = 12;
    double widest = entries.stream().mapToDouble(entry -> width(entry.text())).max().orElse(0);
    double left = RIGHT - widest - sample - 3 * pad;
    double top = TOP + 8;
    canvas.rectangle(left, top, RIGHT - left, entries.size() * row + pad, PAPER.faded(0.85));
    for (int i = 0; i < entries.size(); i++) {
      Entry entry = entries.get(i);
      double at = top + pad / 2 + row * (i + 0.5);
      double start = left + pad;
      canvas.line(
          new double[] {start, start + sample},
          new double[] {at, at},
          entry.dots() ? 2.2 : 1.4,
          entry.ink());
      if (entry.dots()) {
        dot(canvas, start + sample / 2, at, entry.ink());
      }
      canvas.text(entry.text(), start + sample + pad, at + 4.8, Anchor.START, false, LEGEND);
    }
  }

  /** About what a line of the legend takes; without fonts nobody knows better. */
  private static double width(String text) {
    return text.codePointCount(0, text.length()) * LEGEND.size() * 0.58;
  }

  private static void drawLine(
      Canvas canvas, Axis x, Axis y, Series series, double width, Ink ink) {
    double[] places = DoubleStream.of(series.x()).map(x::place).toArray();
    double[] heights = DoubleStream.of(series.y()).map(y::place).toArray();
    if (series.size() > 1) {
      canvas.line(places, heights, width, ink);
    } else if (series.size() == 1) { // a line through one point shows nothing
      canvas.circle(places[0], heights[0], width, ink, 0, ink);
    }
  }

  private static void segment(Canvas canvas, double x1, double y1, double x2, double y2, Ink ink) {
    canvas.line(new double[] {x1, x2}, new double[] {y1, y2}, 1, ink);
  }

  private static void dot(Canvas canvas, double x, double y, Ink ink) {
    canvas.circle(x, y, 3.4, PAPER, 2, ink);
  }

  private static String shortened(String name) {
    int length = name.codePointCount(0, name.length());
    return length <= LONGEST_NAME
        ? name
        : "…" + name.substring(name.offsetByCodePoints(0, length - LONGEST_NAME + 1));
  }
}
