package jambic.app.align;

import jambic.app.cli.RunRecord;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Option;

/** What to measure with. */
final class ValidData {
  @Option(
      names = "--valid",
      paramLabel = "FILE",
      description = "Rows to measure with. Default: every twentieth of --data, held back.")
  private Optional<Path> valid = Optional.empty();

  /** The file, or that of a resumed run; empty where rows are held back. */
  Optional<Path> file(StageSession<?> session) {
    return session.chosen(RunRecord.VALID, StageSession.lasting(valid)).map(Path::of);
  }
}
