package jambic.app.doctor;

import com.sun.management.HotSpotDiagnosticMXBean;
import com.sun.management.OperatingSystemMXBean;
import com.sun.management.VMOption;
import com.sun.management.VMOption.Origin;
import jambic.app.data.Corpora;
import jambic.app.terminal.Terminal;
import jambic.tensor.Backends;
import jambic.tensor.Communicators;
import jambic.tensor.JambicException;
import jambic.tensor.spi.BackendProvider;
import jambic.tensor.spi.BackendProvider.Available;
import jambic.tensor.spi.BackendProvider.Unavailable;
import jambic.tensor.text.Text;
import jambic.train.plan.MemoryEstimate;
import java.io.PrintWriter;
import java.io.Writer;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Asks this Java virtual machine about itself. */
public final class Checkup {
  private static final String VECTOR_MODULE = "jdk.incubator.vector";

  /** Below this a heap holds no training worth the name. */
  private static final long SMALL_HEAP = 512L << 20;

  private Checkup() {}

  /**
   * Looks at everything.
   *
   * @return what was found, in the order of a report
   */
  public static List<Finding> findings() {
    List<Finding> all = new ArrayList<>();
    all.add(java());
    all.add(vectorModule());
    all.add(compiler());
    all.add(fma());
    all.add(lanes());
    all.add(alignment());
    all.add(threads());
    all.add(heap());
    Backends.providers()
        .forEach(provider -> {
          all.add(backend(provider));
          provider.details().forEach(line -> all.add(Finding.detail(provider.name(), line)));
        });
    Communicators.providers().forEach(provider -> all.addAll(ranks(provider.details())));
    all.add(data());
    return all;
  }

  private static Finding java() {
    Runtime.Version version = Runtime.version();
    return Finding.of(
        "java",
        version.feature() >= 25,
        Text.format(
            "%s, %s, %s",
            version, System.getProperty("java.vendor"), System.getProperty("java.vm.name")),
        "get a JDK 25 or newer from https://adoptium.net");
  }

  private static Finding vectorModule() {
    boolean there = ModuleLayer.boot().findModule(VECTOR_MODULE).isPresent();
    return Finding.of(
        "vector module",
        there,
        VECTOR_MODULE + (there ? " is there" : " is missing"),
        Text.format(
            "start with ./jambic, or add --add-modules %s to the java command", VECTOR_MODULE));
  }

  /** Without C2 a vector operation is a chain of calls and allocations, a hundred times slower. */
  private static Finding compiler() {
    String mode = System.getProperty("java.vm.info", "");
    boolean interpreted = mode.contains("interpreted");
    String level = flag("TieredStopAtLevel").orElse("4");
    boolean graal = flag("UseJVMCICompiler").filter("true"::equals).isPresent();
    String vm = System.getProperty("java.vm.name", "");
    boolean best = !interpreted && level.equals("4") && !vm.contains("Client");
    return Finding.of(
        "compiler",
        best && !graal,
        interpreted
            ? "none, code is interpreted"
            : graal ? "Graal" : best ? "C2" : "C1 only, up to level " + level,
        "start Java without -Xint, -client, -XX:TieredStopAtLevel and -XX:+UseJVMCICompiler");
  }

  private static Finding fma() {
    Optional<String> used = flag("UseFMA");
    boolean there = used.filter("true"::equals).isPresent();
    return Finding.of(
        "hardware FMA",
        there || used.isEmpty(),
        there ? "used" : used.isEmpty() ? "this JVM does not say" : "not used",
        "start Java without -XX:-UseFMA; a processor without FMA (before 2013) computes slowly");
  }

  /** HotSpot sets this to what the processor has, unless the command line said less. */
  private static Finding lanes() {
    Optional<VMOption> size = option("MaxVectorSize");
    int bits = size.map(option -> Integer.parseInt(option.getValue()) * Byte.SIZE).orElse(0);
    boolean limited = size.filter(option -> option.getOrigin() == Origin.VM_CREATION).isPresent();
    return Finding.of(
        "vector width",
        size.isEmpty() || bits >= 128 && !limited,
        size.isEmpty()
            ? "this JVM does not say"
            : Text.format(
                "%d bits, %d floats%s",
                bits, bits / Float.SIZE, limited ? ", limited on the command line" : ""),
        "start Java without -XX:MaxVectorSize, -XX:UseSSE and -XX:UseAVX");
  }

  /** Not a fault: where large arrays begin is luck then, and often right. */
  private static Finding alignment() {
    String bytes = flag("ObjectAlignmentInBytes").orElse("8");
    return Finding.fine(
        "alignment",
        Text.format("objects begin at multiples of %s bytes", bytes)
            + (Integer.parseInt(bytes) >= 64
                ? ""
                : ": -XX:ObjectAlignmentInBytes=64 spares vectors that lie across cache lines"));
  }

  private static Finding threads() {
    int processors = Runtime.getRuntime().availableProcessors();
    Optional<String> limit = flag("ActiveProcessorCount").filter(count -> !count.equals("-1"));
    return Finding.of(
        "processors",
        limit.isEmpty(),
        processors + (processors == 1 ? " processor" : " processors"),
        "start Java without -XX:ActiveProcessorCount, or say --threads");
  }

  private static Finding heap() {
    long max = Runtime.getRuntime().maxMemory();
    long memory =
        ManagementFactory.getOperatingSystemMXBean() instanceof OperatingSystemMXBean system
            ? system.getTotalMemorySize()
            : max;
    return Finding.of(
        "memory",
        max >= Math.min(SMALL_HEAP, memory / 2),
        Text.format(
            "heap up to %s of the machine's %s",
            MemoryEstimate.human(max), MemoryEstimate.human(memory)),
        "give Java more with JAMBIC_JAVA_OPTS=-Xmx4g");
  }

  private static Finding backend(BackendProvider provider) {
    String name = "backend " + provider.name();
    return switch (provider.probe()) {
      case Available(String description) -> Finding.fine(name, description);
      case Unavailable(String reason, String remedy) ->
          // A machine without a GPU is not ill.
          new Finding(name, !provider.name().equals("cpu"), "not here, " + reason, remedy);
    };
  }

  /** What joins many processes. A machine that computes alone is not ill. */
  private static List<Finding> ranks(List<String> details) {
    List<Finding> found = new ArrayList<>();
    for (String line : details) {
      found.add(found.isEmpty() ? Finding.fine("ranks", line) : Finding.detail("ranks", line));
    }
    return found;
  }

  private static Finding data() {
    try {
      return Finding.fine(
          "data",
          Corpora.of(Terminal.of(new PrintWriter(Writer.nullWriter())))
              .tinyShakespeareFile()
              .map(file -> "tinyshakespeare in " + file)
              .orElse("tinyshakespeare will be downloaded when it is needed"));
    } catch (JambicException e) {
      return Finding.of("data", false, e.getMessage(), "set JAMBIC_DATA to a folder, or unset it");
    }
  }

  private static Optional<String> flag(String name) {
    return option(name).map(VMOption::getValue);
  }

  /** A flag of this JVM, if it has it. */
  private static Optional<VMOption> option(String name) {
    HotSpotDiagnosticMXBean hotspot =
        ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class);
    try {
      return Optional.ofNullable(hotspot).map(bean -> bean.getVMOption(name));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }
}
