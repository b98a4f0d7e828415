package jambic.app.data;

import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import jambic.train.data.TextFile;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Pattern;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/**
 * About a megabyte of Java: the classes of {@code java.util} from a JDK's own {@code src.zip}, in
 * order of name. It needs no network, and the same JDK always gives the same text.
 */
final class JdkSource {
  static final String NAME = "jdk-source";

  private static final int ENOUGH_CHARS = 1 << 20;
  private static final Pattern ENTRY = Pattern.compile("java\\.base/java/util/[A-Z]\\w*\\.java");

  private JdkSource() {}

  /** Reads the text from the JDK at {@code javaHome}. */
  static Corpus read(Path javaHome) {
    Path archive = javaHome.resolve("lib").resolve("src.zip");
    if (!Files.isRegularFile(archive)) {
      throw new JambicException(
          Text.format("this Java has no sources at %s; give a text with --data FILE", archive));
    }
    try (ZipFile zip = new ZipFile(archive.toFile())) {
      List<? extends ZipEntry> entries =
          zip.stream()
              .filter(entry -> ENTRY.matcher(entry.getName()).matches())
              .sorted(Comparator.comparing(ZipEntry::getName))
              .toList();
      StringBuilder text = new StringBuilder();
      for (ZipEntry entry : entries) {
        if (text.length() >= ENOUGH_CHARS) {
          break;
        }
        try (InputStream in = zip.getInputStream(entry)) {
          text.append(withoutLicense(TextFile.decode(in.readAllBytes(), entry.getName())));
        }
      }
      if (text.isEmpty()) {
        throw new JambicException(
            Text.format("%s holds no java.util; give a text with --data FILE", archive));
      }
      return new Corpus(NAME, text.toString());
    } catch (IOException e) {
      throw new JambicException(Text.format("cannot read %s: %s", archive, ErrorText.reason(e)), e);
    }
  }

  /** From the package line on: the license above it is the same in every file. */
  private static String withoutLicense(String source) {
    int start = source.indexOf("\npackage ");
    return start < 0 ? source : source.substring(start + 1);
  }
}
