package jambic.train.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;

import jambic.tensor.JambicException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MetricsLogTest {
  @TempDir Path folder;
  private Path file;

  @BeforeEach
  void name() {
    file = folder.resolve(MetricsLog.FILE_NAME);
  }

  @Test
  void aLineIsOnTheFileAsSoonAsItIsAppended() throws IOException {
    try (MetricsLog log = MetricsLog.create(file)) {
      log.append(new Metrics.Evaluation(0, 4.25, 4.5));
      log.append(
          new Metrics.Step(0, 4.25, 1e-3, 2.5, 12.34567, 61999.96, OptionalDouble.of(0.41239)));
      log.append(new Metrics.Step(1, 4, 1e-3, 2, 12, 62000, OptionalDouble.empty()));
      assertThat(Files.readString(file))
          .isEqualTo(
              """
              {"iter":0,"train_loss":4.25,"val_loss":4.5}
              {"iter":0,"loss":4.25,"lr":0.001,"grad_norm":2.5,"ms":12.346,"tokens_per_s":62000.0,"mfu":0.4124}
              {"iter":1,"loss":4.0,"lr":0.001,"grad_norm":2.0,"ms":12.0,"tokens_per_s":62000.0}
              """);
    }
  }

  @Test
  void readingGivesBackEveryBitOfALoss() {
    float loss = Math.nextUp(4.1743875f);
    List<Metrics> lines =
        List.of(
            new Metrics.Step(0, loss, 1.0 / 3, Math.PI, 12.346, 62000, OptionalDouble.of(0.4124)),
            new Metrics.Step(1, 1 / 3f, 1.0 / 3, 1e-30, 0.001, 1, OptionalDouble.empty()),
            new Metrics.Evaluation(2, Math.nextDown(2.0), 1.0 / 7));
    write(lines);
    assertThat(MetricsLog.read(file)).isEqualTo(lines);
  }

  @Test
  void whatJsonCannotHoldIsLeftOut() throws IOException {
    write(List.of(new Metrics.Evaluation(3, Double.NaN, Double.POSITIVE_INFINITY), step(3)));
    assertThat(Files.readString(file)).startsWith("{\"iter\":3}\n{\"iter\":3,\"loss\"");
  }

  @Test
  void resumingDropsTheLinesFromThereOn() throws IOException {
    write(IntStream.range(0, 10).mapToObj(MetricsLogTest::step).toList());
    try (MetricsLog log = MetricsLog.resume(file, 7, notice -> fail(notice))) {
      assertThat(MetricsLog.read(file)).hasSize(7);
      log.append(step(7));
    }
    assertThat(MetricsLog.read(file))
        .isEqualTo(IntStream.range(0, 8).mapToObj(MetricsLogTest::step).toList());
    try (var files = Files.list(folder)) {
      assertThat(files).containsExactly(file);
    }
  }

  @Test
  void anUnfinishedLastLineIsIgnoredAndThenRemoved() throws IOException {
    write(List.of(step(0), step(1)));
    Files.writeString(file, "{\"iter\":2,\"lo", StandardOpenOption.APPEND);
    assertThat(MetricsLog.read(file)).isEqualTo(List.of(step(0), step(1)));
    try (MetricsLog log = MetricsLog.resume(file, 2, notice -> fail(notice))) {
      log.append(step(2));
    }
    assertThat(MetricsLog.read(file)).isEqualTo(List.of(step(0), step(1), step(2)));
  }

  @Test
  void resumingWithoutALogStartsOne() {
    try (MetricsLog log = MetricsLog.resume(file, 5, notice -> fail(notice))) {
      log.append(step(5));
    }
    assertThat(MetricsLog.read(file)).isEqualTo(List.of(step(5)));
  }

  @Test
  void anExistingRunIsNotOverwritten() {
    write(List.of(step(0)));
    assertThatThrownBy(() -> MetricsLog.create(file))
        .isInstanceOf(JambicException.class)
        .hasMessage(file + " already holds a run; resume it or choose another folder");
    assertThat(MetricsLog.read(file)).hasSize(1);
  }

  @Test
  void whatIsNoLogIsNamed() throws IOException {
    assertThatThrownBy(() -> MetricsLog.read(file))
        .hasMessage(file + " does not exist; name the folder of a run");
    Files.writeString(file, "{\"iter\":0}\nnot json\n{\"iter\":1}\n");
    assertThatThrownBy(() -> MetricsLog.read(file))
        .isInstanceOf(JambicException.class)
        .hasMessage(file + " has a line that is not JSON: 'not json'");
    for (String line : List.of("{\"loss\":1.0}", "null", "{\"iter\":-5,\"loss\":1}")) {
      Files.writeString(file, line + "\n");
      assertThatThrownBy(() -> MetricsLog.read(file))
          .isInstanceOf(JambicException.class)
          .hasMessage(file + " has a line without an iteration: '" + line + "'");
    }
    Files.writeString(file, "\0\u001b[31m\n");
    assertThatThrownBy(() -> MetricsLog.read(file))
        .hasMessage(file + " has a line that is not JSON: '\\u{0}\\u{1B}[31m'");
  }

  @Test
  void resumingGoesOnWithoutDamagedLinesAndKeepsTheFileBeside() throws IOException {
    write(List.of(step(0), step(1)));
    Files.writeString(file, "\0\0\0\n[]\nnull\n", StandardOpenOption.APPEND);
    byte[] damaged = Files.readAllBytes(file);
    for (int round = 1; round <= 2; round++) {
      Files.write(file, damaged);
      List<String> notices = new ArrayList<>();
      try (MetricsLog log = MetricsLog.resume(file, 2, notices::add)) {
        log.append(step(2));
      }
      assertThat(MetricsLog.read(file)).isEqualTo(List.of(step(0), step(1), step(2)));
      Path aside = file.resolveSibling("metrics.jsonl.damaged-" + round);
      assertThat(aside).hasBinaryContent(damaged);
      assertThat(notices)
          .containsExactly(
              file
                  + " had 3 damaged lines; the run goes on with the others, and the file as it was"
                  + " is "
                  + aside);
    }
  }

  private void write(List<Metrics> lines) {
    try (MetricsLog log = MetricsLog.create(file)) {
      lines.forEach(log::append);
    }
  }

  private static Metrics step(int iter) {
    return new Metrics.Step(iter, 4 - iter / 10.0, 1e-3, 1, 12, 62000, OptionalDouble.empty());
  }
}
