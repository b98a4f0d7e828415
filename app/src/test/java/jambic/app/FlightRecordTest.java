package jambic.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FlightRecordTest {
  @TempDir Path folder;

  @Test
  void aRecordingShowsStepsEvaluationsCheckpointsAndKernels() throws IOException {
    Path file = folder.resolve("run.jfr");
    try (Recording recording = new Recording()) {
      for (String event : List.of("Step", "Evaluation", "Checkpoint", "Kernel")) {
        recording.enable("jambic." + event).withoutThreshold();
      }
      recording.start();
      CommandLineCall call = TinyRun.train(TinyRun.text(folder), folder.resolve("run"));
      assertThat(call.code()).as(call.err()).isZero();
      recording.stop();
      recording.dump(file);
    }
    List<RecordedEvent> events = RecordingFile.readAllEvents(file);

    List<RecordedEvent> steps = named(events, "jambic.Step");
    assertThat(steps).extracting(step -> step.getInt("iteration")).hasSize(20).contains(0, 19);
    assertThat(steps)
        .allSatisfy(step -> {
          assertThat(step.getDouble("loss")).isBetween(1.0, 5.0);
          assertThat(step.getDouble("learningRateMillionths")).isBetween(1.0, 1e5);
          assertThat(step.getDouble("gradientNorm")).isPositive();
          assertThat(step.getDouble("tokensPerSecond")).isPositive();
          assertThat(step.getDuration()).isPositive();
        });
    assertThat(named(events, "jambic.Evaluation"))
        .extracting(evaluation -> evaluation.getInt("iteration"))
        .containsExactlyInAnyOrder(0, 10, 20);
    assertThat(named(events, "jambic.Checkpoint"))
        .extracting(checkpoint -> checkpoint.getString("name"))
        .contains("last", "best");
    assertThat(named(events, "jambic.Kernel"))
        .extracting(kernel -> kernel.getString("kernel"))
        .contains(
            "embedding.forward",
            "linear.forward",
            "linear.backwardInput",
            "linear.backwardWeight",
            "norm.backward",
            "attention.backward",
            "loss.crossEntropy",
            "optimizer.clipNorm",
            "optimizer.adamW",
            "elementwise.fill",
            "attention.paged");
  }

  @Test
  void withoutARecordingNothingIsRecorded() throws IOException {
    CommandLineCall call = TinyRun.train(TinyRun.text(folder), folder.resolve("run"));
    assertThat(call.code()).as(call.err()).isZero();
    Path file = folder.resolve("later.jfr");
    try (Recording recording = new Recording()) {
      recording.enable("jambic.Step");
      recording.start();
      recording.dump(file);
    }
    assertThat(named(RecordingFile.readAllEvents(file), "jambic.Step")).isEmpty();
  }

  private static List<RecordedEvent> named(List<RecordedEvent> events, String name) {
    return events.stream().filter(event -> event.getEventType().getName().equals(name)).toList();
  }
}
