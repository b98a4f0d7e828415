package jambic.tensor;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/**
 * A kernel launch, which a flight recording shows as {@code jambic.Kernel}: how long the launching
 * thread was in it, on the CPU the kernel's own time. Without a recording, or in a runtime without
 * the module {@code jdk.jfr}, it costs nothing.
 *
 * @param kernel which, as the SPI names it: {@code linear.forward}
 * @param body what runs it
 */
public record Launch(String kernel, Runnable body) implements Runnable {
  private static final boolean RECORDABLE = ModuleLayer.boot().findModule("jdk.jfr").isPresent();

  @Override
  public void run() {
    if (RECORDABLE && KernelEvent.isRecorded()) {
      KernelEvent.record(this);
    } else {
      body.run();
    }
  }

  /** Apart from the above, because it cannot be loaded without {@code jdk.jfr}. */
  @Name("jambic.Kernel")
  @Label("Kernel")
  @Category("Jambic")
  @Description("One launch of a kernel of the backend")
  @StackTrace(false)
  private static final class KernelEvent extends Event {
    private static final KernelEvent PROBE = new KernelEvent();

    @Label("Kernel")
    String kernel;

    static boolean isRecorded() {
      return PROBE.isEnabled();
    }

    static void record(Launch launch) {
      KernelEvent event = new KernelEvent();
      event.begin();
      launch.body.run();
      event.kernel = launch.kernel;
      event.commit();
    }
  }
}
