package jambic.app;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/**
 * Trains and samples for some seconds and keeps nothing. {@code ./jambic} runs this once after a
 * build while the virtual machine records, so that later starts find classes loaded and know which
 * methods to compile first.
 */
@Command(
    name = "rehearse",
    hidden = true,
    description = "Trains and samples for some seconds and keeps nothing: for ./jambic to record.",
    mixinStandardHelpOptions = true)
final class RehearseCommand implements Callable<Integer> {
  private static final String LINE =
      "To be, or not to be, that is the question:\nWhether 'tis nobler in the mind to suffer\n";

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    Path folder = Files.createTempDirectory("jambic");
    try {
      Path text = Files.writeString(folder.resolve("text.txt"), LINE.repeat(20));
      String run = folder.resolve("run").toString();
      int trained =
          run(
              "train",
              "--out=" + run,
              "--data=" + text,
              "--max-iters=2",
              "--eval-interval=2",
              "--eval-iters=1");
      return trained == 0 ? run("sample", run, "--prompt=To be", "--max-new-tokens=20") : trained;
    } finally {
      delete(folder);
    }
  }

  private int run(String... args) {
    return Main.commandLine(args)
        .setOut(new PrintWriter(Writer.nullWriter()))
        .setErr(spec.commandLine().getErr())
        .execute(args);
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> all = Files.walk(folder)) {
      for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }
}
