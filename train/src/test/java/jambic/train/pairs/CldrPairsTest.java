package jambic.train.pairs;

import static org.assertj.core.api.Assertions.assertThat;

import jambic.tensor.JambicException;
import java.io.File;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class CldrPairsTest {
  private static final int COUNT = 5000; // of which about 2,300 are names

  @Test
  void givesFrenchWithItsEnglish() {
    List<Pair> pairs = CldrPairs.make(COUNT, 1);
    assertThat(pairs)
        .hasSize(COUNT)
        .contains(new Pair("Allemagne", "Germany"), new Pair("français", "French"))
        .noneMatch(Pair::isBlank)
        .noneMatch(pair -> (pair.source() + pair.target()).matches("(?s).*[\\n\\t].*"));
    assertThat(pairs.stream().map(Pair::source)).doesNotHaveDuplicates();
    assertThat(pairs)
        .anyMatch(pair ->
            pair.source().matches("lundi \\d+ avril \\d{4}")
                && pair.target().matches("Monday, April \\d+, \\d{4}"))
        .anyMatch(pair -> pair.source().endsWith("\u00A0%") && pair.target().matches("[0-9.]+%"))
        .anyMatch(pair -> pair.source().endsWith("milliards") && pair.target().endsWith("billion"))
        .anyMatch(pair -> pair.source().contains(" ou ") && pair.target().contains(" or "));
  }

  @Test
  void isTheSameForASeedAndAnotherForAnother() {
    List<Pair> pairs = CldrPairs.make(COUNT, 1);
    assertThat(CldrPairs.make(COUNT, 1)).isEqualTo(pairs);
    assertThat(CldrPairs.make(COUNT, 2)).isNotEqualTo(pairs);
    assertThat(CldrPairs.make(100, 1)).isEqualTo(pairs.subList(0, 100));
  }

  @Test
  void nothingHasTwoTranslations() {
    Map<String, String> translations = new HashMap<>();
    for (int seed = 1; seed <= 3; seed++) {
      for (Pair pair : CldrPairs.make(COUNT, seed)) {
        String other = translations.put(pair.source(), pair.target());
        assertThat(other == null ? pair.target() : other)
            .as(pair.source())
            .isEqualTo(pair.target());
      }
    }
  }

  @Test
  void aJavaWithoutFrenchIsNamed() throws Exception {
    assertThat(inAnotherJava("--limit-modules", "java.base"))
        .isEqualTo(
            "this Java has no French in its locale data, of which the pairs cldr are made: it lacks the module jdk.localedata, or the property java.locale.providers leaves CLDR out; use a whole JDK, or give pairs of your own with --data");
  }

  @Test
  void doesNotDependOnTheLocaleAndTheTimeZone() throws Exception {
    String hash = Integer.toString(CldrPairs.make(COUNT, 1).hashCode());
    assertThat(
            inAnotherJava("-Duser.language=ar", "-Duser.region=EG", "-Duser.timezone=Asia/Tokyo"))
        .isEqualTo(hash);
    assertThat(inAnotherJava("-Duser.language=", "-Duser.region=", "-Dfile.encoding=COMPAT"))
        .isEqualTo(hash);
  }

  private static String inAnotherJava(String... options)
      throws IOException, InterruptedException, URISyntaxException {
    StringBuilder path = new StringBuilder();
    for (Class<?> type : List.of(Main.class, CldrPairs.class, JambicException.class)) {
      path.append(Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI()))
          .append(File.pathSeparatorChar);
    }
    List<String> command =
        Stream.of(
                Stream.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()),
                Stream.of(options),
                Stream.of("-cp", path.toString(), Main.class.getName()))
            .flatMap(words -> words)
            .toList();
    Process java =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
    String output = new String(java.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    java.waitFor();
    return output.strip();
  }

  /** What runs in another Java. */
  static final class Main {
    private Main() {}

    /** Prints what tells the pairs from others, or why there are none. */
    public static void main(String[] args) {
      try {
        System.out.println(CldrPairs.make(COUNT, 1).hashCode());
      } catch (JambicException e) {
        System.out.println(e.getMessage());
      }
    }
  }
}
