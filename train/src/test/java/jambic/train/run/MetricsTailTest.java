package jambic.train.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MetricsTailTest {
  @TempDir private Path folder;

  private Path file;
  private MetricsTail tail;

  @BeforeEach
  void follow() {
    file = folder.resolve("metrics.jsonl");
    tail = new MetricsTail(file);
  }

  @Test
  void aLogThatIsNotThereYetIsEmpty() throws IOException {
    assertThat(tail.update()).isFalse();
    assertThat(tail.names()).isEmpty();
    append(step(0, 3));
    assertThat(tail.update()).isTrue();
    assertThat(values("loss")).containsExactly(3);
  }

  @Test
  void everyNumberIsACurveAndNothingElseIs() throws IOException {
    append(
        "{\"iter\":0,\"loss\":2.5,\"name\":\"x\",\"deep\":{\"loss\":9},\"list\":[1],\"ms\":4}\n");
    append("{\"iter\":1,\"eval_reward\":-0.25,\"loss\":\"NaN\",\"none\":null}\n");
    tail.update();
    assertThat(tail.names()).containsExactly("loss", "ms", "eval_reward");
    assertThat(tail.last("eval_reward")).hasValue(-0.25);
    assertThat(tail.last("none")).isEmpty();
    assertThat(tail.seconds()).hasValue(0.004);
    assertThat(tail.updates()).isEqualTo(1);
  }

  @Test
  void aLineCountsOnceItIsWhole() throws IOException {
    append(step(0, 3) + "{\"iter\":1,\"lo");
    assertThat(tail.update()).isTrue();
    assertThat(values("loss")).containsExactly(3);
    append("ss\":2}");
    assertThat(tail.update()).isFalse();
    append("\n");
    assertThat(tail.update()).isTrue();
    assertThat(values("loss")).containsExactly(3, 2);
    assertThat(tail.update()).isFalse();
  }

  @Test
  void damagedLinesAreLeftOut() throws IOException {
    append("\n[1]\n{\"loss\":1}\n{\"iter\":\"0\",\"loss\":1}\n{\"iter\":7,\"loss\":1\n\u0000\n");
    append("x".repeat(3 << 20) + "\n" + step(8, 4));
    tail.update();
    assertThat(values("loss")).containsExactly(4);
  }

  @Test
  void whatWasAddedSinceAMarkIsTold() throws IOException {
    append(step(0, 3));
    tail.update();
    MetricsTail.Mark mark = tail.mark();
    assertThat(tail.since(mark)).hasValue(Map.of());
    append(step(1, 2) + "{\"iter\":2,\"val_loss\":5}\n");
    tail.update();
    Map<String, CurvePoints> added = tail.since(mark).orElseThrow();
    assertThat(added).containsOnlyKeys("loss", "val_loss");
    assertThat(added.get("loss").iters()).containsExactly(1);
    assertThat(added.get("loss").values()).containsExactly(2);
  }

  @Test
  void aShorterLogIsReadAnew() throws IOException {
    append(step(0, 3) + step(1, 2));
    tail.update();
    MetricsTail.Mark mark = tail.mark();
    Files.writeString(file, step(0, 7));
    assertThat(tail.update()).isTrue();
    assertThat(values("loss")).containsExactly(7);
    assertThat(tail.since(mark)).isEmpty();
  }

  @Test
  void aLogThatAResumedRunReplacedAndMadeLongerIsReadAnew() throws IOException {
    append(step(0, 3) + step(1, 2));
    tail.update();
    MetricsTail.Mark mark = tail.mark();
    Path other = folder.resolve("other");
    Files.writeString(other, step(0, 3) + step(1, 6) + step(2, 5));
    Files.move(other, file, StandardCopyOption.REPLACE_EXISTING);
    assertThat(tail.update()).isTrue();
    assertThat(values("loss")).containsExactly(3, 6, 5);
    assertThat(tail.since(mark)).isEmpty();
  }

  @Test
  void aLogThatIsOverwrittenInPlaceIsReadAnew() throws IOException {
    append(step(0, 3) + step(1, 2));
    tail.update();
    Files.writeString(file, step(0, 4) + step(1, 6) + step(2, 5));
    tail.update();
    assertThat(values("loss")).containsExactly(4, 6, 5);
  }

  @Test
  void aLogOfADeletedRunIsEmpty() throws IOException {
    append(step(0, 3));
    tail.update();
    Files.delete(file);
    assertThat(tail.update()).isTrue();
    assertThat(tail.names()).isEmpty();
    assertThat(tail.update()).isFalse();
  }

  @Test
  void iterationsThatComeAgainReplaceThoseBefore() throws IOException {
    append(step(0, 3) + step(1, 2) + step(2, 1));
    tail.update();
    MetricsTail.Mark mark = tail.mark();
    append(step(1, 9));
    tail.update();
    assertThat(values("loss")).containsExactly(3, 9);
    assertThat(tail.since(mark)).isEmpty();
  }

  private double[] values(String name) {
    return tail.points(name, 0, Integer.MAX_VALUE, 100, 0).values();
  }

  private static String step(int iter, int loss) {
    return "{\"iter\":" + iter + ",\"loss\":" + loss + "}\n";
  }

  private void append(String text) throws IOException {
    Files.writeString(file, text, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
  }
}
