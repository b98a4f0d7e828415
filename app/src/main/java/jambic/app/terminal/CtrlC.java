package jambic.app.terminal;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandleProxies;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodHandles.Lookup;
import java.lang.invoke.MethodType;

/**
 * Hears Ctrl-C instead of the virtual machine, which would end. Java has no other way to that than
 * {@code sun.misc.Signal}, a supported class of the module {@code jdk.unsupported}. Whoever names
 * it gets a warning from the compiler that cannot be turned off; so it is looked up by its name.
 */
public final class CtrlC implements AutoCloseable {
  private static final String NAME = "INT";
  private static final Lookup LOOKUP = MethodHandles.publicLookup();

  private final Runnable restoring;

  private CtrlC(Runnable restoring) {
    this.restoring = restoring;
  }

  /**
   * Begins to hear it. Where the virtual machine was told to leave signals alone ({@code -Xrs}),
   * nothing is heard, and Ctrl-C ends the process as before.
   *
   * @param listener is called on a thread of its own each time
   * @return to be closed, after which it means what it did before
   */
  public static CtrlC hear(Runnable listener) {
    try {
      Class<?> signal = Class.forName("sun.misc.Signal");
      Class<?> handler = Class.forName("sun.misc.SignalHandler");
      MethodHandle run =
          LOOKUP
              .findVirtual(Runnable.class, "run", MethodType.methodType(void.class))
              .bindTo(listener);
      Object own =
          MethodHandleProxies.asInterfaceInstance(
              handler, MethodHandles.dropArguments(run, 0, signal));
      Object interrupt =
          LOOKUP
              .findConstructor(signal, MethodType.methodType(void.class, String.class))
              .invoke(NAME);
      MethodHandle handle =
          LOOKUP
              .findStatic(signal, "handle", MethodType.methodType(handler, signal, handler))
              .bindTo(interrupt);
      Object before = handle.invoke(own);
      return new CtrlC(() -> restore(handle, before));
    } catch (IllegalArgumentException | ReflectiveOperationException notToBeHad) {
      return new CtrlC(() -> {});
    } catch (Throwable e) { // as a method handle declares
      throw new IllegalStateException(e);
    }
  }

  private static void restore(MethodHandle handle, Object before) {
    try {
      handle.invoke(before);
    } catch (Throwable e) { // as a method handle declares
      throw new IllegalStateException(e);
    }
  }

  /** Stops hearing it. */
  @Override
  public void close() {
    restoring.run();
  }
}
