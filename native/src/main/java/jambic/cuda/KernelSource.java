package jambic.cuda;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A kernel source and the headers that it includes.
 *
 * @param name the file, such as {@code norm.cu}
 * @param text its content
 * @param headers what it includes, directly or not: the name as it is included, and the content
 */
record KernelSource(String name, String text, Map<String, String> headers) {
  private static final Pattern INCLUDE =
      Pattern.compile("^\\s*#\\s*include\\s+\"([^\"]+)\"", Pattern.MULTILINE);

  /** A resource beside this class. */
  static KernelSource of(String name) {
    Map<String, String> headers = new LinkedHashMap<>();
    String text = read(name);
    collect(headers, text);
    return new KernelSource(name, text, headers);
  }

  private static void collect(Map<String, String> headers, String text) {
    Matcher include = INCLUDE.matcher(text);
    while (include.find()) {
      String header = include.group(1);
      if (!headers.containsKey(header)) {
        String content = read(header);
        headers.put(header, content);
        collect(headers, content);
      }
    }
  }

  private static String read(String resource) {
    try (InputStream in = KernelSource.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw new IllegalArgumentException("no kernel source " + resource);
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
