package jambic.app.terminal;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TerminalTest {
  private final StringWriter out = new StringWriter();
  private final Terminal live = new Terminal(new PrintWriter(out), true, false, true);

  @Test
  void aStatusIsRewrittenInPlaceAndNeverWraps() {
    live.status("one");
    live.status("two");
    assertThat(out).hasToString("\r\033[K\033[?7lone\033[?7h" + "\r\033[K\033[?7ltwo\033[?7h");
  }

  @Test
  void aLineTakesTheStatusAway() {
    live.status("status");
    out.getBuffer().setLength(0);
    live.print("line");
    live.print("another");
    live.clear();
    String nl = System.lineSeparator();
    assertThat(out).hasToString("\r\033[Kline" + nl + "another" + nl);
  }

  @Test
  void aFileGetsLinesOnly() {
    Terminal file = new Terminal(new PrintWriter(out), false, false, true);
    file.status("status");
    file.print("line");
    file.clear();
    assertThat(out).hasToString("line" + System.lineSeparator());
  }

  @Test
  void aTestIsNoTerminal() {
    assertThat(Terminal.of(new PrintWriter(out)).isLive()).isFalse();
    assertThat(Terminal.ofErrors(new PrintWriter(out)).isLive()).isFalse();
  }

  @Test
  void errorsAreSeenWhereTheyGoToTheDeviceThatTheOutputGoesTo(@TempDir Path folder)
      throws IOException {
    Path nowhere = Path.of("/dev/null");
    Path log = Files.createFile(folder.resolve("log"));
    assertThat(Terminal.isSameDevice(nowhere, nowhere)).isTrue();
    assertThat(Terminal.isSameDevice(nowhere, Path.of("/dev/zero"))).isFalse();
    assertThat(Terminal.isSameDevice(nowhere, log)).isFalse();
    assertThat(Terminal.isSameDevice(log, log)).isFalse();
    assertThat(Terminal.isSameDevice(nowhere, folder.resolve("none"))).isFalse();
  }

  @Test
  void aBarIsAlwaysAsWide() {
    assertThat(live.bar(0, 4)).isEqualTo("────");
    assertThat(live.bar(0.5, 4)).isEqualTo("━━──");
    assertThat(live.bar(1, 4)).isEqualTo("━━━━");
    assertThat(live.bar(1.5, 4)).isEqualTo("━━━━");
    Terminal plain = new Terminal(new PrintWriter(out), true, false, false);
    assertThat(plain.bar(0.25, 4)).isEqualTo("#---");
    Terminal colored = new Terminal(new PrintWriter(out), true, true, true);
    assertThat(colored.bar(0.25, 4)).isEqualTo("\033[36m━\033[90m───\033[0m");
  }
}
