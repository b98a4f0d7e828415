package jambic.model.io;

import static org.assertj.core.api.Assertions.assertThat;

import jambic.tensor.JambicException;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Thousands of broken files: each is refused with one sentence, or opens with sound tensors. */
class HostileSafetensorsTest {
  private static final int FILES = 2_000;
  private static final Pattern NUMBER = Pattern.compile("\\d+");
  private static final String[] NUMBERS = {
    "0",
    "-1",
    "1.5",
    "1e3",
    "1e999999999",
    "4294967296",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "18446744073709551616",
    "00",
    "0x10",
    "NaN",
    "null",
    "\"7\"",
    "[]",
    "{}",
    "true",
    "9".repeat(500),
    "2",
    "48",
    "576"
  };
  private static final String[] FRAGMENTS = {
    "[".repeat(5_000),
    "{\"a\":".repeat(5_000),
    "]",
    "}",
    ",",
    "\"",
    "\\u0000",
    "\\ud800",
    "/**/",
    "\u0000",
    "\ufeff",
    " ".repeat(100),
    "\"wte\":{}",
    "\"__metadata__\":{},",
    "{",
    "[",
    ":"
  };

  @TempDir Path folder;

  @Test
  void survivesMutatedFiles() throws IOException {
    Path file = folder.resolve("mutated.safetensors");
    byte[] sound = soundFile(file);
    int opened = 0;
    for (int seed = 0; seed < FILES; seed++) {
      byte[] mutated = mutate(sound, new Random(seed));
      Files.delete(file); // to cut a file takes some file systems ten times as long
      Files.write(file, mutated);
      try (Safetensors view = Safetensors.open(file)) {
        requireSound(view, mutated);
        opened++;
      } catch (JambicException e) {
        assertThat(e.getMessage())
            .as("seed %d", seed)
            .startsWith(file.toString())
            .hasSizeLessThan(file.toString().length() + 400)
            .matches(message -> message.chars().noneMatch(Character::isISOControl), "one line");
      }
    }
    assertThat(opened).as("some mutations are harmless").isBetween(1, FILES / 2);
  }

  /** Some tensors of a GPT, of three types, one without elements. */
  private static byte[] soundFile(Path file) throws IOException {
    List<Safetensors.Source> tensors = new ArrayList<>();
    float[] zeros = new float[48];
    for (String name : List.of("wte.weight", "h.0.attn.c_attn.weight", "h.0.ln_1.bias", "ln_f")) {
      tensors.add(Safetensors.Source.ofFloats(name, List.of(6L, 8L), zeros, 0));
    }
    for (SafetensorsType type :
        List.of(SafetensorsType.I64, SafetensorsType.BF16, SafetensorsType.U8)) {
      ByteBuffer content = ByteBuffer.allocate(6 * type.bytes());
      tensors.add(
          new Safetensors.Source(
              type.name(), type, List.of(3L, 2L), out -> out.write(content.rewind())));
    }
    tensors.add(Safetensors.Source.ofFloats("empty", List.of(4L, 0L), zeros, 0));
    Safetensors.write(file, Map.of("format", "pt"), tensors);
    return Files.readAllBytes(file);
  }

  private static void requireSound(Safetensors view, byte[] file) {
    long header = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
    long total = 0;
    for (Safetensors.Entry entry : view.entries().values()) {
      long elements = entry.shape().stream().reduce(1L, Math::multiplyExact);
      assertThat(entry.size()).isEqualTo(elements);
      assertThat(entry.data().byteSize()).isEqualTo(elements * entry.type().bytes());
      total += entry.data().byteSize();
      if (entry.data().byteSize() > 0) {
        entry.data().get(ValueLayout.JAVA_BYTE, entry.data().byteSize() - 1);
      }
    }
    assertThat(total).isEqualTo(file.length - 8 - header);
  }

  private static byte[] mutate(byte[] sound, Random random) {
    int headerLength = (int) ByteBuffer.wrap(sound).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
    int end = 8 + headerLength;
    switch (random.nextInt(8)) {
      case 0:
        { // bits anywhere in the header or its length
          byte[] bytes = sound.clone();
          for (int n = 1 + random.nextInt(4); n > 0; n--) {
            bytes[random.nextInt(end)] ^= (byte) (1 << random.nextInt(8));
          }
          return bytes;
        }
      case 1: // cut short
        return Arrays.copyOf(sound, random.nextInt(sound.length));
      case 2: // too long
        return Arrays.copyOf(sound, sound.length + 1 + random.nextInt(100));
      case 3:
        { // a wrong length before the header
          byte[] bytes = sound.clone();
          long length = random.nextBoolean() ? random.nextInt(2 * headerLength) : random.nextLong();
          ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(0, length);
          return bytes;
        }
      case 4:
        { // any bytes, also such that are no UTF-8
          byte[] bytes = sound.clone();
          for (int n = 1 + random.nextInt(8); n > 0; n--) {
            bytes[8 + random.nextInt(headerLength)] = (byte) random.nextInt(256);
          }
          return bytes;
        }
      case 5:
        { // another number
          String header = header(sound, end);
          Matcher matcher = NUMBER.matcher(header);
          for (int skip = random.nextInt(20); skip >= 0 && matcher.find(); skip--) {}
          int from = matcher.hitEnd() ? header.length() / 2 : matcher.start();
          int to = matcher.hitEnd() ? from : matcher.end();
          String number = NUMBERS[random.nextInt(NUMBERS.length)];
          return file(header.substring(0, from) + number + header.substring(to), sound, end);
        }
      case 6:
        { // something inserted
          String header = header(sound, end);
          int at = random.nextInt(header.length());
          String fragment = FRAGMENTS[random.nextInt(FRAGMENTS.length)];
          return file(header.substring(0, at) + fragment + header.substring(at), sound, end);
        }
      default:
        { // a part doubled or dropped
          String header = header(sound, end);
          int from = random.nextInt(header.length());
          int to = from + random.nextInt(header.length() - from);
          String part = random.nextBoolean() ? header.substring(from, to).repeat(2) : "";
          return file(header.substring(0, from) + part + header.substring(to), sound, end);
        }
    }
  }

  private static String header(byte[] file, int end) {
    return new String(file, 8, end - 8, StandardCharsets.UTF_8);
  }

  private static byte[] file(String header, byte[] sound, int dataBegin) {
    byte[] bytes = header.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(8 + bytes.length + sound.length - dataBegin)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(bytes.length)
        .put(bytes)
        .put(sound, dataBegin, sound.length - dataBegin)
        .array();
  }
}
