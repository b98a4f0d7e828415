package jambic.app;

import com.fasterxml.jackson.jr.ob.JSON;
import jambic.app.doctor.Checkup;
import jambic.app.doctor.Finding;
import jambic.app.terminal.Terminal;
import jambic.tensor.text.Text;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Says whether this machine computes as fast as it can, and if not, why. */
@Command(
    name = "doctor",
    description = "Checks what the engine's speed depends on here, with a remedy for each fault.",
    mixinStandardHelpOptions = true,
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {"0:all is well", "1:something needs mending"},
    footerHeading = "%nExamples:%n",
    footer = {"  jambic doctor", "  jambic doctor --verbose", "  jambic doctor --json"})
final class DoctorCommand implements Callable<Integer> {
  private static final String GREEN = "\033[32m";
  private static final String RED = "\033[1;31m";
  private static final String PLAIN = "\033[0m";

  @Spec private CommandSpec spec;

  @Option(names = "--json", description = "Print one JSON object instead.")
  private boolean json;

  @Option(
      names = {"-v", "--verbose"},
      description = "Also print the details, such as those of each backend.")
  private boolean verbose;

  @Override
  public Integer call() throws IOException {
    List<Finding> findings = Checkup.findings();
    PrintWriter out = spec.commandLine().getOut();
    boolean healthy = findings.stream().allMatch(Finding::healthy);
    if (json) {
      Map<String, Object> result = new LinkedHashMap<>();
      result.put("healthy", healthy);
      result.put("findings", findings.stream().map(DoctorCommand::fields).toList());
      out.println(JSON.std.asString(result));
    } else {
      boolean colored = Terminal.of(out).isColored();
      findings.stream()
          .filter(finding -> verbose || !finding.isDetail())
          .forEach(finding -> out.println(line(finding, colored)));
    }
    out.flush();
    return healthy ? 0 : 1;
  }

  private static String line(Finding finding, boolean colored) {
    String state = Text.format("%-4s", finding.healthy() ? "ok" : "MEND");
    return Text.format(
        "%s  %-17s %s%s",
        colored ? (finding.healthy() ? GREEN : RED) + state + PLAIN : state,
        finding.name(),
        finding.value(),
        finding.remedy().isEmpty() ? "" : ": " + finding.remedy());
  }

  private static Map<String, Object> fields(Finding finding) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("name", finding.name());
    fields.put("healthy", finding.healthy());
    fields.put("value", finding.value());
    fields.put("remedy", finding.remedy());
    return fields;
  }
}
