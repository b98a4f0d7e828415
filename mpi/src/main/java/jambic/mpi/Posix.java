package jambic.mpi;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/** What the C library does that Java cannot. */
final class Posix {
  private static final Linker LINKER = Linker.nativeLinker();
  private static final int RTLD_LAZY = 1;

  /** RTLD_GLOBAL, which macOS counts in another way. */
  private static final int RTLD_GLOBAL = isMac() ? 8 : 0x100;

  private Posix() {}

  static boolean isMac() {
    return System.getProperty("os.name").startsWith("Mac");
  }

  /**
   * Loads a library whose symbols the libraries that come later see, too: Open MPI's plugins rely
   * on it.
   *
   * @return why it cannot be loaded, as the loader says; empty if it is
   */
  static Optional<String> load(String library) {
    try (Arena arena = Arena.ofConfined()) {
      MethodHandle dlopen = function("dlopen", FunctionDescriptor.of(ADDRESS, ADDRESS, JAVA_INT));
      MemorySegment handle =
          (MemorySegment) dlopen.invokeExact(arena.allocateFrom(library), RTLD_LAZY | RTLD_GLOBAL);
      if (handle.address() != 0) {
        return Optional.empty();
      }
      MethodHandle dlerror = function("dlerror", FunctionDescriptor.of(ADDRESS));
      MemorySegment why = (MemorySegment) dlerror.invokeExact();
      return Optional.of(
          why.address() == 0
              ? library + " cannot be loaded"
              : why.reinterpret(Long.MAX_VALUE).getString(0));
    } catch (Throwable e) {
      throw rethrown(e);
    }
  }

  /** Sets a variable of this process that libraries read, unless it is set. */
  static void setVariable(String name, String value) {
    try (Arena arena = Arena.ofConfined()) {
      MethodHandle setenv =
          function("setenv", FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, JAVA_INT));
      int _ = (int) setenv.invokeExact(arena.allocateFrom(name), arena.allocateFrom(value), 0);
    } catch (Throwable e) {
      throw rethrown(e);
    }
  }

  private static MethodHandle function(String name, FunctionDescriptor type) {
    return LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow(name), type);
  }

  /** What a call of a method handle declares but does not throw. */
  static RuntimeException rethrown(Throwable e) {
    if (e instanceof Error error) {
      throw error;
    }
    return e instanceof RuntimeException unchecked ? unchecked : new IllegalStateException(e);
  }
}
