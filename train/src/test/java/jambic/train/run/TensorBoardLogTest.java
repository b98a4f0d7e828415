package jambic.train.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.tensor.JambicException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.OptionalDouble;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TensorBoardLogTest {
  /** One scalar of an event, as another program reads it. */
  private record Scalar(long step, String tag, float value) {}

  /** The length 26 and its masked CRC, as TensorBoard's own writer has them. */
  private static final String HEADER_OF_26 = "1a00000000000000129bd82d";

  @TempDir Path folder;
  private Path file;

  @BeforeEach
  void name() {
    file = folder.resolve(TensorBoardLog.FILE_NAME);
  }

  @Test
  void everyMetricIsAScalarOfItsIteration() throws IOException {
    try (TensorBoardLog events = TensorBoardLog.create(file)) {
      events.append(new Metrics.Evaluation(0, 4.25, 4.5));
      events.append(step(0));
      events.append(new Metrics.Step(300, 3.5, 1e-3, 0.5, 10, 76_800, OptionalDouble.empty()));
    }
    assertThat(scalars())
        .containsExactly(
            new Scalar(0, "loss/train_eval", 4.25f),
            new Scalar(0, "loss/val", 4.5f),
            new Scalar(0, "loss/train", 4.125f),
            new Scalar(0, "lr", 2e-3f),
            new Scalar(0, "grad_norm", 1.5f),
            new Scalar(0, "tokens_per_s", 1000f),
            new Scalar(0, "mfu", 0.25f),
            new Scalar(300, "loss/train", 3.5f),
            new Scalar(300, "lr", 1e-3f),
            new Scalar(300, "grad_norm", 0.5f),
            new Scalar(300, "tokens_per_s", 76_800f));
  }

  @Test
  void recordsAreFramedAsTensorFlowFramesThem() throws IOException {
    try (TensorBoardLog events = TensorBoardLog.create(file)) {
      assertThat(events).isNotNull();
    }
    byte[] bytes = Files.readAllBytes(file);
    assertThat(HexFormat.of().formatHex(bytes, 0, 12)).isEqualTo(HEADER_OF_26);
    assertThat(new String(bytes, 12 + 13, 13, StandardCharsets.UTF_8)).isEqualTo("brain.Event:2");
    assertThat(bytes).hasSize(12 + 26 + 4);
  }

  @Test
  void resumingDropsWhatComesAgain() throws IOException {
    try (TensorBoardLog events = TensorBoardLog.create(file)) {
      for (int iter = 0; iter < 10; iter++) {
        events.append(step(iter));
      }
      events.append(new Metrics.Evaluation(10, 4, 4));
    }
    try (TensorBoardLog events = TensorBoardLog.resume(file, 6)) {
      events.append(step(6));
      events.append(step(7));
    }
    assertThat(scalars())
        .filteredOn(scalar -> scalar.tag.equals("loss/train"))
        .extracting(Scalar::step)
        .containsExactly(0L, 1L, 2L, 3L, 4L, 5L, 6L, 7L);
    assertThat(scalars()).noneMatch(scalar -> scalar.tag.equals("loss/val"));
  }

  @Test
  void anUnfinishedEventIsRemoved() throws IOException {
    try (TensorBoardLog events = TensorBoardLog.create(file)) {
      events.append(step(0));
      events.append(step(1));
    }
    byte[] whole = Files.readAllBytes(file);
    for (int cut : new int[] {1, 4, 20, whole.length - 45}) {
      Files.write(file, Arrays.copyOf(whole, whole.length - cut));
      try (TensorBoardLog events = TensorBoardLog.resume(file, 2)) {
        events.append(step(2));
      }
      assertThat(scalars()).last().isEqualTo(new Scalar(2, "mfu", 0.25f));
    }
  }

  @Test
  void whatIsNoEventFileIsBegunAnew() throws IOException {
    Files.writeString(file, "something else");
    try (TensorBoardLog events = TensorBoardLog.resume(file, 3)) {
      events.append(step(3));
    }
    assertThat(scalars()).extracting(Scalar::step).containsOnly(3L);
    Files.delete(file);
    TensorBoardLog.resume(file, 5).close();
    assertThat(scalars()).isEmpty();
  }

  @Test
  void aFolderThatIsNotThereIsOneSentence() {
    Path nowhere = folder.resolve("nowhere").resolve(TensorBoardLog.FILE_NAME);
    assertThatThrownBy(() -> TensorBoardLog.create(nowhere))
        .isInstanceOf(JambicException.class)
        .hasMessageStartingWith("cannot write " + nowhere + ": ");
  }

  private static Metrics.Step step(int iter) {
    return new Metrics.Step(iter, 4.125, 2e-3, 1.5, 12, 1000, OptionalDouble.of(0.25));
  }

  private List<Scalar> scalars() throws IOException {
    ByteBuffer in = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    List<Scalar> all = new ArrayList<>();
    while (in.hasRemaining()) {
      int start = in.position();
      int length = (int) in.getLong();
      assertThat(in.getInt()).isEqualTo(masked(in.array(), start, 8));
      ByteBuffer event = in.slice(in.position(), length).order(ByteOrder.LITTLE_ENDIAN);
      in.position(start + 12 + length);
      assertThat(in.getInt()).isEqualTo(masked(in.array(), start + 12, length));
      read(event, all);
    }
    return all;
  }

  private static void read(ByteBuffer event, List<Scalar> all) {
    long step = 0;
    while (event.hasRemaining()) {
      int key = event.get();
      switch (key) {
        case 0x09 -> assertThat(event.getDouble()).isGreaterThan(1.7e9);
        case 0x10 -> step = varint(event);
        case 0x1a -> assertThat(text(event)).isEqualTo("brain.Event:2");
        case 0x2a -> {
          long end = varint(event) + event.position();
          while (event.position() < end) {
            assertThat(event.get()).isEqualTo((byte) 0x0a); // Summary.value
            varint(event);
            assertThat(event.get()).isEqualTo((byte) 0x0a); // Value.tag
            String tag = text(event);
            assertThat(event.get()).isEqualTo((byte) 0x15); // Value.simple_value
            all.add(new Scalar(step, tag, event.getFloat()));
          }
        }
        default -> throw new AssertionError("field " + key);
      }
    }
  }

  private static String text(ByteBuffer in) {
    byte[] bytes = new byte[(int) varint(in)];
    in.get(bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private static long varint(ByteBuffer in) {
    long value = 0;
    for (int shift = 0; ; shift += 7) {
      byte next = in.get();
      value |= (long) (next & 0x7f) << shift;
      if (next >= 0) {
        return value;
      }
    }
  }

  private static int masked(byte[] bytes, int offset, int length) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, offset, length);
    long sum = crc.getValue();
    return (int) ((sum >>> 15 | sum << 17) + 0xa282ead8L);
  }
}
