package jambic.tensor.contract;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A safetensors file of PyTorch's results among the resources. It is trusted: nothing is checked.
 */
final class Fixtures {
  private static final Pattern ENTRY =
      Pattern.compile(
          "\"([^\"]+)\":\\{\"dtype\":\"\\w+\",\"shape\":\\[([\\d,]*)\\],"
              + "\"data_offsets\":\\[(\\d+),(\\d+)\\]\\}");

  private record Entry(int[] shape, ByteBuffer data) {}

  private final Map<String, Entry> entries = new TreeMap<>();

  private Fixtures(ByteBuffer file) {
    int header = Math.toIntExact(file.getLong(0));
    byte[] json = new byte[header];
    file.get(8, json);
    Matcher entry = ENTRY.matcher(new String(json, StandardCharsets.UTF_8));
    while (entry.find()) {
      int from = Integer.parseInt(entry.group(3));
      int to = Integer.parseInt(entry.group(4));
      int[] shape = Arrays.stream(entry.group(2).split(",")).mapToInt(Integer::parseInt).toArray();
      ByteBuffer data = file.slice(8 + header + from, to - from).order(ByteOrder.LITTLE_ENDIAN);
      entries.put(entry.group(1), new Entry(shape, data));
    }
  }

  static Fixtures load(String resource) {
    try (InputStream in = Fixtures.class.getResourceAsStream(resource)) {
      return new Fixtures(ByteBuffer.wrap(in.readAllBytes()).order(ByteOrder.LITTLE_ENDIAN));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  Set<String> names() {
    return entries.keySet();
  }

  int[] shape(String name) {
    return entries.get(name).shape.clone();
  }

  float[] floats(String name) {
    ByteBuffer data = entries.get(name).data;
    float[] values = new float[data.remaining() / 4];
    data.asFloatBuffer().get(0, values);
    return values;
  }

  int[] ints(String name) {
    ByteBuffer data = entries.get(name).data;
    int[] values = new int[data.remaining() / 4];
    data.asIntBuffer().get(0, values);
    return values;
  }
}
