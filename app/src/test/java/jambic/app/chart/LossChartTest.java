package jambic.app.chart;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.abort;

import jambic.tensor.JambicException;
import jambic.train.run.Metrics;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

class LossChartTest {
  @TempDir Path folder;

  @Test
  void anSvgHasALineForEachLossAndADotForEachEvaluation() throws Exception {
    Document svg = svg(new LossChart("run", List.of(run("run", 2000))));
    // The training loss and its smoothed line, nine grid lines or ticks at least, the legend.
    Element noise = longestLine(svg);
    assertThat(noise.getAttribute("points").split(" ")).hasSize(800);
    assertThat(svg.getElementsByTagName("circle").getLength())
        .isEqualTo(8 + 1); // without the untrained model's, with the legend's
    assertThat(texts(svg))
        .contains("run", "iteration", "loss (nats per token)", "training")
        .contains("validation, best 2.000 at 2,000")
        .contains("0", "500", "1,000", "1,500", "2,000");
  }

  @Test
  void everyPointLiesInsideThePlot() throws Exception {
    Document svg = svg(new LossChart("run", List.of(run("run", 50))));
    NodeList lines = svg.getElementsByTagName("polyline");
    for (int i = 0; i < lines.getLength(); i++) {
      for (String point : ((Element) lines.item(i)).getAttribute("points").split(" ")) {
        String[] xy = point.split(",");
        assertThat(Double.parseDouble(xy[0])).isBetween(64.0, 924.0);
        assertThat(Double.parseDouble(xy[1])).isBetween(64.0, 485.0);
      }
    }
  }

  @Test
  void severalRunsAreNamedAndColoredApart() throws Exception {
    Document svg =
        svg(new LossChart("Loss", List.of(run("small", 100), run("big", 200), steps("new", 10))));
    assertThat(texts(svg))
        .contains("small, best 2.000 at 100", "big, best 2.000 at 200", "new", "training");
    NodeList circles = svg.getElementsByTagName("circle");
    assertThat(
            IntStream.range(0, circles.getLength())
                .mapToObj(i -> ((Element) circles.item(i)).getAttribute("stroke"))
                .distinct())
        .hasSize(2);
  }

  @Test
  void aNameMayHoldAnyCharacter() throws Exception {
    String name = "<&>\"' \u0001\uD83D\uDE00";
    Document svg = svg(new LossChart(name, List.of(run("x".repeat(100), 10), run(name, 10))));
    assertThat(texts(svg))
        .contains("<&>\"' \uD83D\uDE00")
        .anyMatch(text -> text.startsWith("…" + "x".repeat(47) + ","));
  }

  @Test
  void aRunThatHasJustBegunHasAChart() throws Exception {
    svg(new LossChart("one step", List.of(steps("one step", 1))));
    var start = new LossChart.Run("start", List.of(new Metrics.Evaluation(0, 4.2, 4.2)));
    assertThat(texts(svg(new LossChart("start", List.of(start)))))
        .contains("validation, best 4.200 at 0");
  }

  @Test
  void lossesThatAreNoNumbersAreLeftOut() throws Exception {
    LossChart.Run broken =
        new LossChart.Run(
            "broken",
            List.of(step(0, 4), step(1, Double.NaN), new Metrics.Evaluation(1, 1, Double.NaN)));
    assertThat(texts(svg(new LossChart("broken", List.of(broken)))))
        .contains("training")
        .noneMatch(text -> text.contains("NaN"));
  }

  @Test
  void aPngShowsTheSame() throws IOException {
    Path file = folder.resolve("loss.png");
    try {
      new LossChart("run", List.of(run("run", 200))).write(file);
    } catch (JambicException e) {
      assertThat(e).hasMessageContaining("write an .svg instead");
      abort("no font on this machine: " + e.getMessage());
    }
    BufferedImage image = ImageIO.read(file.toFile());
    assertThat(image.getWidth()).isEqualTo(1920);
    assertThat(image.getHeight()).isEqualTo(1080);
    int[] pixels = image.getRGB(0, 0, 1920, 1080, null, 0, 1920);
    assertThat(pixels).contains(0xFFFFFFFF, 0xFF2563EB, 0xFFEA580C);
  }

  @Test
  void aPngNeedsNoTemporaryFolder() throws IOException {
    Path temporary = Files.createDirectory(folder.resolve("temporary"));
    ImageIO.setCacheDirectory(temporary.toFile());
    try {
      Files.delete(temporary);
      aPngShowsTheSame();
    } finally {
      ImageIO.setCacheDirectory(null);
    }
  }

  @Test
  void whatCannotBeDrawnIsSaidInOneSentence() {
    LossChart chart = new LossChart("run", List.of(run("run", 10)));
    assertThatThrownBy(() -> chart.write(folder.resolve("loss.jpg")))
        .isInstanceOf(JambicException.class)
        .hasMessageEndingWith("loss.jpg must end in .svg or .png, the formats of a chart");
    assertThatThrownBy(() -> chart.write(folder.resolve("none").resolve("loss.svg")))
        .isInstanceOf(JambicException.class)
        .hasMessageStartingWith("cannot write ");
    LossChart empty = new LossChart("run", List.of(steps("fresh", 0)));
    assertThatThrownBy(() -> empty.write(folder.resolve("loss.svg")))
        .hasMessage("fresh has no loss to draw yet");
  }

  /** A training loss from 4 to 2 with an evaluation every eighth of the way. */
  @ParameterizedTest
  @ValueSource(doubles = {1e9, 1e20, 1e39, -1e39, 1e300})
  void aLossThatRanAwayHasAChartToo(double loss) throws Exception {
    List<Metrics> flat =
        List.of(step(0, loss), step(1, loss), new Metrics.Evaluation(2, loss, loss));
    Document svg = svg(new LossChart("run", List.of(new LossChart.Run("run", flat))));
    assertThat(svg.getElementsByTagName("text").getLength()).isBetween(5, 40);
  }

  private static LossChart.Run run(String name, int iterations) {
    List<Metrics> lines = new ArrayList<>();
    for (int i = 0; i <= iterations; i++) {
      double loss = 4 - 2.0 * i / iterations;
      if (i % Math.max(1, iterations / 8) == 0 || i == iterations) {
        lines.add(new Metrics.Evaluation(i, loss, loss));
      }
      if (i < iterations) {
        lines.add(step(i, loss));
      }
    }
    return new LossChart.Run(name, lines);
  }

  private static LossChart.Run steps(String name, int iterations) {
    return new LossChart.Run(
        name, IntStream.range(0, iterations).mapToObj(i -> (Metrics) step(i, 4)).toList());
  }

  private static Metrics.Step step(int iter, double loss) {
    return new Metrics.Step(iter, loss, 1e-3, 1, 12, 62000, OptionalDouble.empty());
  }

  private Document svg(LossChart chart) throws Exception {
    Path file = folder.resolve("loss.svg");
    chart.write(file);
    try (var in = Files.newInputStream(file)) {
      return DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(in);
    }
  }

  private static Element longestLine(Document svg) {
    NodeList lines = svg.getElementsByTagName("polyline");
    return IntStream.range(0, lines.getLength())
        .mapToObj(i -> (Element) lines.item(i))
        .reduce((a, b) ->
            a.getAttribute("points").length() >= b.getAttribute("points").length() ? a : b)
        .orElseThrow();
  }

  private static List<String> texts(Document svg) {
    NodeList texts = svg.getElementsByTagName("text");
    return IntStream.range(0, texts.getLength())
        .mapToObj(i -> texts.item(i).getTextContent())
        .toList();
  }
}
