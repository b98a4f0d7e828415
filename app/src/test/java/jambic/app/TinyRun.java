package jambic.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A run small enough to be trained in a moment. */
public final class TinyRun {
  /** What it takes, but for the text and the folder. */
  public static final List<String> FLAGS =
      List.of(
          "--preset=lecture-small",
          "--n-layer=2",
          "--n-embd=16",
          "--batch-size=4",
          "--max-iters=20",
          "--eval-interval=10",
          "--eval-iters=2");

  private static final String TEXT = "The quick brown fox\njumps over the lazy dog.\n";

  private TinyRun() {}

  /** A text to train on. */
  public static Path text(Path folder) throws IOException {
    return Files.writeString(folder.resolve("text.txt"), TEXT.repeat(20));
  }

  /** Trains with more flags, which win over those above. */
  public static CommandLineCall train(Path text, Path out, Object... more) {
    List<Object> args = new ArrayList<>(List.of("train", "--data", text, "--out", out));
    args.addAll(flags(more));
    return CommandLineCall.of(args.toArray());
  }

  /** The flags above, but for those that stand among others, and these. */
  public static List<Object> flags(Object... more) {
    return over(FLAGS, more);
  }

  /** The same of other flags. */
  static List<Object> over(List<String> flags, Object... more) {
    List<Object> all = new ArrayList<>();
    flags.stream()
        .filter(flag -> Arrays.stream(more).noneMatch(o -> isSame(flag, o)))
        .forEach(all::add);
    all.addAll(List.of(more));
    return all;
  }

  private static boolean isSame(String flag, Object other) {
    return flag.split("=")[0].equals(other.toString().split("=")[0]);
  }

  /** A trained one. */
  static Path trained(Path folder) throws IOException {
    Path run = folder.resolve("run");
    CommandLineCall call = train(text(folder), run);
    assertThat(call.code()).as(call.err()).isZero();
    return run;
  }
}
