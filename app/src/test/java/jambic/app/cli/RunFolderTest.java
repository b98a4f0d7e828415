package jambic.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RunFolderTest {
  @TempDir private Path folder;

  @ParameterizedTest
  @CsvSource({
    "tinyshakespeare, tinyshakespeare",
    "/tmp/my text.txt, my-text",
    "books.v2.jsonl, books.v2",
    "data/, data",
    ".hidden, hidden",
    "größe.txt, größe",
    "--odd--.txt, odd",
    "/, data",
    "a23456789b123456789c123456789d123456789e1.txt, a23456789b123456789c123456789d123456789e",
  })
  void aRunIsNamedByItsDataWithoutQuotesOrEnding(String data, String name) {
    assertThat(RunFolder.shortName(data)).isEqualTo(name);
  }

  @Test
  void runsOfTheSameNameAreNumbered() {
    assertThat(RunFolder.fresh(folder, "lecture-input").path())
        .isEqualTo(folder.resolve("lecture-input-1"));
    assertThat(RunFolder.fresh(folder, "lecture-input").path())
        .isEqualTo(folder.resolve("lecture-input-2"));
  }
}
