package jambic.model.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.tensor.JambicException;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

public class SafetensorsTest {
  @TempDir Path folder;

  @Test
  void readsWhatItWrote() throws IOException {
    Path file = folder.resolve("x.safetensors");
    float[] values = new float[700_000]; // more than a chunk of the writer
    for (int i = 0; i < values.length; i++) {
      values[i] = i * 0.5f;
    }
    Safetensors.write(
        file,
        Map.of("format", "pt"),
        List.of(
            bytes("flags", SafetensorsType.BOOL, List.of(3L), new byte[] {1, 0, 1}),
            Safetensors.Source.ofFloats("big", List.of(2L, 349_999L), values, 2),
            Safetensors.Source.ofFloats("none", List.of(0L, 4L), values, 0),
            Safetensors.Source.ofFloats("scalar", List.of(), values, 7)));
    try (Safetensors opened = Safetensors.open(file)) {
      assertThat(opened.metadata()).containsExactly(Map.entry("format", "pt"));
      assertThat(opened.entries().keySet()).containsExactly("big", "none", "scalar", "flags");
      float[] big = new float[700_000];
      opened.entry("big").readFloats(big, 1);
      assertThat(big[1]).isEqualTo(1);
      assertThat(big[699_998]).isEqualTo(699_999 * 0.5f);
      assertThat(opened.entry("none").size()).isZero();
      assertThat(opened.entry("scalar").shape()).isEmpty();
      assertThat(opened.entry("scalar").size()).isEqualTo(1);
      assertThat(opened.entry("flags").data().toArray(ValueLayout.JAVA_BYTE))
          .containsExactly(1, 0, 1);
      assertThat(opened.entry("flags").data().isReadOnly()).isTrue();
      assertThatThrownBy(() -> opened.entry("Big\n"))
          .isInstanceOf(JambicException.class)
          .hasMessage(file + ": there is no tensor 'Big\\u{A}'");
    }
    assertThat(
            (int)
                    ByteBuffer.wrap(Files.readAllBytes(file))
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .getLong(0)
                % 8)
        .as("the data is aligned")
        .isZero();
  }

  @Test
  void readsAFileOfTheReferenceImplementation() throws IOException {
    try (Safetensors opened = Safetensors.open(resource("hf_gpt2_tiny/model.safetensors"))) {
      assertThat(opened.metadata()).containsEntry("format", "pt");
      assertThat(opened.entries()).hasSize(40);
      Safetensors.Entry entry = opened.entry("transformer.h.0.attn.c_attn.weight");
      assertThat(entry.type()).isEqualTo(SafetensorsType.F32);
      assertThat(entry.shape()).containsExactly(48L, 144L);
    }
  }

  @Test
  void widensHalfPrecisions() throws IOException {
    byte[] halves = {0x00, 0x3C, 0x00, (byte) 0xC0, 0x01, 0x00}; // 1, -2, 2^-24
    byte[] brains = {(byte) 0x80, 0x3F, 0x00, (byte) 0xC0, (byte) 0x80, 0x7F}; // 1, -2, infinity
    Path file = folder.resolve("half.safetensors");
    Safetensors.write(
        file,
        Map.of(),
        List.of(
            bytes("f16", SafetensorsType.F16, List.of(3L), halves),
            bytes("bf16", SafetensorsType.BF16, List.of(3L), brains),
            bytes("i16", SafetensorsType.I16, List.of(3L), brains)));
    try (Safetensors opened = Safetensors.open(file)) {
      float[] values = new float[7];
      opened.entry("f16").readFloats(values, 0);
      opened.entry("bf16").readFloats(values, 4);
      assertThat(values).containsExactly(1, -2, 0x1p-24f, 0, 1, -2, Float.POSITIVE_INFINITY);
      assertThatThrownBy(() -> opened.entry("i16").readFloats(values, 0))
          .hasMessage("tensor 'i16' holds I16, not floating-point numbers of 16, 32 or 64 bits");
      assertThatThrownBy(() -> opened.entry("f16").readFloats(values, 5))
          .isInstanceOf(IndexOutOfBoundsException.class);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          []                                                                                | the header is not a JSON object
          {                                                                                 | the header is not valid JSON
          {} x                                                                              | the header is not valid JSON
          {} {}                                                                             | the header goes on after its JSON object
          {"a":1}                                                                           | tensor 'a' is not described by a JSON object
          {"__metadata__":1}                                                                | __metadata__ is not a JSON object
          {"__metadata__":{"k":1}}                                                          | the value of 'k' in __metadata__ is no text
          {"__metadata__":{"k":"","k":""}}                                                  | 'k' occurs twice in __metadata__
          {"__metadata__":{},"__metadata__":{}}                                             | the header has two __metadata__
          {"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"stride":[1]}}               | tensor 'a' has the unknown key 'stride'
          {"a":{"shape":[2],"data_offsets":[0,8]}}                                          | tensor 'a' has no dtype
          {"a":{"dtype":"F32","data_offsets":[0,8]}}                                        | tensor 'a' has no shape
          {"a":{"dtype":"F32","shape":[2]}}                                                 | tensor 'a' has no data_offsets
          {"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}              | tensor 'a' has two values for dtype
          {"a":{"dtype":"F33","shape":[2],"data_offsets":[0,8]}}                            | tensor 'a' has the unknown dtype 'F33'
          {"a":{"dtype":32,"shape":[2],"data_offsets":[0,8]}}                               | tensor 'a' has a dtype that is no text
          {"a":{"dtype":"F32","shape":2,"data_offsets":[0,8]}}                              | tensor 'a' has a shape that is no JSON array
          {"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}}                          | tensor 'a' has something other than whole numbers in its shape
          {"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}                           | tensor 'a' has -2 in its shape, which is out of range
          {"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,8]}}         | tensor 'a' has 99999999999999999999 in its shape, which is out of range
          {"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}}        | tensor 'a' has the impossible shape [4294967296, 4294967296]
          {"a":{"dtype":"F32","shape":[2],"data_offsets":[0]}}                              | tensor 'a' needs two data_offsets, got [0]
          {"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,8]}}                          | tensor 'a' has more than 2 numbers in its data_offsets
          {"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}                            | tensor 'a' ends at byte 0 before it begins at byte 8
          {"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}                            | tensor 'a' of type F32 and shape [3] needs 12 bytes, but its data_offsets span 8
          {"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}                           | tensor 'a' ends at byte 16 of the data, but the file holds only 8: it is truncated or corrupt
          {"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}                            | tensor 'a' starts at byte 4 of the data, where byte 0 is the next free one: tensors must leave no hole
          {"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}} | tensor 'b' starts at byte 4 of the data, where byte 8 is the next free one: tensors overlap
          {"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}                            | 4 bytes follow the last tensor, which belong to none: the file is corrupt
          {"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}} | tensor 'a' occurs twice in the header
          """)
  void refusesABrokenHeader(String header, String message) throws IOException {
    Path file = file(header.getBytes(StandardCharsets.UTF_8), 8);
    assertThatThrownBy(() -> Safetensors.open(file))
        .isInstanceOf(JambicException.class)
        .message()
        .startsWith(file + ": " + message)
        .doesNotContain("\n");
  }

  @Test
  void refusesInvalidUtf8() throws IOException {
    for (byte[] name :
        new byte[][] {
          {(byte) 0xFF}, {(byte) 0xC0, (byte) 0x80}, {(byte) 0xED, (byte) 0xA0, (byte) 0x80}
        }) {
      ByteBuffer header = ByteBuffer.allocate(64);
      header.put("{\"".getBytes(StandardCharsets.UTF_8)).put(name);
      header.put(
          "\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,8]}}"
              .getBytes(StandardCharsets.UTF_8));
      byte[] bytes = new byte[header.position()];
      header.get(0, bytes);
      Path file = file(bytes, 8);
      assertThatThrownBy(() -> Safetensors.open(file))
          .hasMessage(file + ": the header is not valid UTF-8");
    }
  }

  @Test
  void refusesAWrongLength() throws IOException {
    Path file = folder.resolve("short");
    Files.write(file, new byte[7]);
    assertThatThrownBy(() -> Safetensors.open(file))
        .hasMessage(file + ": a safetensors file has at least 8 bytes, this one has 7");
    Files.write(file, new byte[] {9, 0, 0, 0, 0, 0, 0, 0, '{', '}'});
    assertThatThrownBy(() -> Safetensors.open(file))
        .hasMessageContaining("a header of 9 bytes is announced, but only 2 follow");
    Files.write(file, new byte[] {-1, -1, -1, -1, -1, -1, -1, -1, '{', '}'});
    assertThatThrownBy(() -> Safetensors.open(file))
        .hasMessageContaining("a header of 18446744073709551615 bytes is announced");
    assertThatThrownBy(() -> Safetensors.open(folder.resolve("absent")))
        .hasMessage(
            "cannot read " + folder.resolve("absent") + ": there is no such file or folder");
    assertThatThrownBy(() -> Safetensors.open(folder)).isInstanceOf(JambicException.class);
  }

  @Test
  void knowsThePointersOfGit() throws IOException {
    Path file = folder.resolve("pointer");
    Files.writeString(file, "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n");
    assertThatThrownBy(() -> Safetensors.open(file))
        .isInstanceOf(JambicException.class)
        .hasMessage(
            file + " is only Git LFS's pointer to the weights; fetch them with: git lfs pull");
    Files.writeString(file, "GGUF\3\0\0\0\0\0\0\0");
    assertThatThrownBy(() -> Safetensors.open(file)).hasMessageContaining("is a GGUF file");
    Files.writeString(file, "\n<!DOCTYPE html><html>");
    assertThatThrownBy(() -> Safetensors.open(file)).hasMessageContaining("is a web page");
  }

  @Test
  void refusesAHeaderLongerThanTheFormatAllows() throws IOException {
    Path file = folder.resolve("long");
    try (var channel =
        Files.newByteChannel(
            file,
            java.nio.file.StandardOpenOption.CREATE,
            java.nio.file.StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(0, 100_000_001));
      channel.position(100_000_100).write(ByteBuffer.allocate(1)); // sparse where the disk can
    }
    assertThatThrownBy(() -> Safetensors.open(file))
        .hasMessage(
            file + ": a header of 100000001 bytes is announced, the format allows 100000000");
  }

  @Test
  void refusesDeepNestingAndLongRanks() throws IOException {
    Path deep = file(("{\"a\":" + "[".repeat(1_000_000)).getBytes(StandardCharsets.UTF_8), 8);
    assertThatThrownBy(() -> Safetensors.open(deep)).isInstanceOf(JambicException.class);
    String shape = "1,".repeat(100_000) + "1";
    Path wide =
        file(
            ("{\"a\":{\"dtype\":\"U8\",\"shape\":[" + shape + "],\"data_offsets\":[0,1]}}")
                .getBytes(StandardCharsets.UTF_8),
            1);
    assertThatThrownBy(() -> Safetensors.open(wide))
        .hasMessageContaining("tensor 'a' has more than 64 numbers in its shape");
  }

  @Test
  void keepsTheOldFileWhenTheDiskIsFull() throws IOException {
    Path file = folder.resolve("kept.safetensors");
    Safetensors.write(
        file, Map.of(), List.of(bytes("old", SafetensorsType.U8, List.of(1L), new byte[1])));
    byte[] before = Files.readAllBytes(file);
    var failing =
        new Safetensors.Source(
            "new",
            SafetensorsType.U8,
            List.of(2_000_000L),
            out -> {
              out.write(ByteBuffer.allocate(1_500_000));
              throw new IOException("No space left on device");
            });
    assertThatThrownBy(() -> Safetensors.write(file, Map.of(), List.of(failing)))
        .isInstanceOf(JambicException.class)
        .hasMessage("cannot write " + file + ": No space left on device");
    assertThat(Files.readAllBytes(file)).isEqualTo(before);
    try (Stream<Path> left = Files.list(folder)) {
      assertThat(left).containsExactly(file);
    }
  }

  @Test
  void refusesToWriteWhatCouldNotBeRead() {
    Path file = folder.resolve("never");
    var one = bytes("a", SafetensorsType.U8, List.of(1L), new byte[1]);
    var tooLong = bytes("b", SafetensorsType.U8, List.of(1L), new byte[2]);
    assertThatThrownBy(() -> Safetensors.write(file, Map.of(), List.of(one, one)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Safetensors.write(file, Map.of(), List.of(tooLong)))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> bytes("a", SafetensorsType.U8, List.of(-1L), new byte[1]))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> bytes("__metadata__", SafetensorsType.U8, List.of(1L), new byte[1]))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(folder).isEmptyDirectory();
  }

  public static Path resource(String name) {
    return Path.of(
        java.net.URI.create(SafetensorsTest.class.getResource("/jambic/model/" + name).toString()));
  }

  private static Safetensors.Source bytes(
      String name, SafetensorsType type, List<Long> shape, byte[] bytes) {
    return new Safetensors.Source(name, type, shape, out -> out.write(ByteBuffer.wrap(bytes)));
  }

  private Path file(byte[] header, int dataBytes) throws IOException {
    Path file = Files.createTempFile(folder, "broken", ".safetensors");
    ByteBuffer bytes =
        ByteBuffer.allocate(8 + header.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(header.length).put(header);
    return Files.write(file, bytes.array());
  }
}
