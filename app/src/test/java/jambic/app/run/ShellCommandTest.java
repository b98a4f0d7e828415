package jambic.app.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;

class ShellCommandTest {
  @Test
  void plainWordsStandAsTheyAre() {
    assertThat(ShellCommand.of("train", "--resume", "--out", Path.of("runs/größe-1")))
        .isEqualTo("jambic train --resume --out runs/größe-1");
  }

  @Test
  void whatAShellWouldReadOtherwiseIsQuoted() {
    assertThat(ShellCommand.of("sample", "sp ace")).isEqualTo("jambic sample 'sp ace'");
    assertThat(ShellCommand.of("sample", Path.of("@me"))).isEqualTo("jambic sample ./@me");
    assertThat(ShellCommand.of("--out", Path.of("-run"))).isEqualTo("jambic --out ./-run");
  }

  @Test
  @DisabledOnOs(value = OS.WINDOWS, disabledReason = "there is no POSIX shell")
  void aShellReadsTheWordsThatWereMeant() throws Exception {
    for (String word : List.of("a b", "don't", "$HOME", "~", "", "*", "a\"b\\", "#x", "ü&b;c")) {
      String command = ShellCommand.of(word).replaceFirst("jambic", "printf %s");
      Process shell = new ProcessBuilder("sh", "-c", command).start();
      assertThat(new String(shell.getInputStream().readAllBytes())).isEqualTo(word);
    }
  }
}
