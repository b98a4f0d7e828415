package jambic.app.terminal;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TerminalTest {
  private final StringWriter out = new StringWriter();
  private int columns = 80;
  private final Terminal live =
      new Terminal(new PrintWriter(out), true, false, true, () -> columns);

  @Test
  void aStatusIsRewrittenInPlaceAndNeverWraps() {
    live.status("one");
    live.status("two");
    assertThat(out).hasToString("\r\033[K\033[?7lone\033[?7h" + "\r\033[K\033[?7ltwo\033[?7h");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "120 | 9/12 ━━━━━━━━━━━━━━━─────  loss 2.4123  31.2 ms  eta 0:47",
        "55  | 9/12 ━━━━━━━━━━━━━━━─────  loss 2.4123  31.2 ms",
        "48  | 9/12 ━━━━━━━━━━━━━━━─────  loss 2.4123  31.2 ms",
        "47  | 9/12 ━━━━━━━━━━━━━━━─────  loss 2.4123",
        "38  | 9/12 ━━━━━━━━━━━━━━─────  loss 2.4123",
        "23  | 9/12 ━━━─  loss 2.4123",
        "22  | 9/12 loss 2.4123",
        "17  | 9/12 loss 2.4123",
        "16  | 9/12"
      })
  void whatTheWindowHasNoRoomForIsLeftOutWhole(int window, String line) {
    columns = window;
    live.status("9/12", 0.75, "loss 2.4123", "31.2 ms", "eta 0:47");
    assertThat(out).hasToString("\r\033[K\033[?7l" + line + "\033[?7h");
    assertThat(line.length()).isLessThan(window);
  }

  @Test
  void theSizeOfAWindowIsReadWhereItIsKnown() {
    assertThat(WindowWidth.columns("24 132\n")).hasValue(132);
    for (String unknown : List.of("", "0 0\n", "stty: no terminal", "24")) {
      assertThat(WindowWidth.columns(unknown)).isEmpty();
    }
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
  void aLineOfAnotherStreamIsNotGluedToTheStatus() {
    live.status("one");
    live.printTo(new PrintWriter(out), "a line");
    assertThat(out)
        .hasToString(
            "\r\033[K\033[?7lone\033[?7h" + "\r\033[K" + "a line" + System.lineSeparator());
  }

  @Test
  void aFileGetsLinesOnly() {
    Terminal file = new Terminal(new PrintWriter(out), false, false, true, () -> 80);
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
    Terminal plain = new Terminal(new PrintWriter(out), true, false, false, () -> 80);
    assertThat(plain.bar(0.25, 4)).isEqualTo("#---");
    Terminal colored = new Terminal(new PrintWriter(out), true, true, true, () -> 80);
    assertThat(colored.bar(0.25, 4)).isEqualTo("\033[36m━\033[90m───\033[0m");
  }
}
