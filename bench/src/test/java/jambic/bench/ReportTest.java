package jambic.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReportTest {
  @TempDir Path folder;

  @Test
  void setsEnginesSideBySide() throws IOException {
    Path rows = folder.resolve("rows.jsonl");
    row("fma", "", "jambic", 1, 1, Map.of("flops", 4e6)).append(rows);
    for (double median : List.of(2.0, 2.2, 1.8)) {
      row("gemm", "2x3x4 x*wT", "jambic", median, 1.6, Map.of("flops", 4e6)).append(rows);
    }
    row("gemm", "2x3x4 x*wT", "torch-eager", 5, 4, Map.of("version", "2.0")).append(rows);
    row("gemm", "9x9x9 x*wT", "torch-eager", 7, 6, Map.of()).append(rows);

    String text = Report.write(rows, folder, "today", "bench/run --quick", "abc");

    assertThat(folder.resolve("today.md")).hasContent(text);
    assertThat(text).contains("- command: `bench/run --quick`", "- commit: abc", "torch-eager 2.0");
    assertThat(text).contains("## gemm, 2 threads");
    String line = text.lines().filter(l -> l.startsWith("| 2x3x4")).findFirst().orElseThrow();
    // 4e6 operations in 2 ms are 2 GFLOP/s, and the peak is 4; 5 ms are 2.5 times as long, and the
    // shortest calls took 4 and 1.6 ms.
    assertThat(line)
        .isEqualTo(
            "| 2x3x4 x*wT | 2.00 (1.80-2.20) | 5.00 | 2.50 (best 2.50) "
                + "| 2.00 (best 2.50) | 50.0 (best 62.5) |");
    assertThat(text).contains("| 9x9x9 x*wT | | 7.00 |");
    assertThat(Row.read(rows)).hasSize(6);
    assertThat(Files.readString(folder.resolve("today.json"))).contains("\"9x9x9 x*wT\"");
  }

  private static Row row(
      String bench,
      String subject,
      String engine,
      double median,
      double min,
      Map<String, Object> more) {
    return new Row(bench, subject, engine, 2, 10, min, median, 9 * median, more);
  }

  @Test
  void keepsThreeDigits() {
    assertThat(List.of(0.012345, 0.5, 1.0, 12.34, 123.4, 12345.6).stream().map(Summary::digits))
        .containsExactly("0.0123", "0.500", "1.00", "12.3", "123", "12346");
  }
}
