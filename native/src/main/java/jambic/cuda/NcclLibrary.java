package jambic.cuda;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import jambic.cuda.Libraries.Found;
import jambic.cuda.Libraries.Missing;
import jambic.cuda.bindings.Nccl;
import jambic.cuda.bindings.ncclUniqueId;
import jambic.tensor.text.Text;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Optional;

/**
 * NCCL, which moves bytes between GPUs: loaded, and not needed for one GPU. It works without a
 * driver until ranks are joined.
 *
 * @param file where it is
 */
record NcclLibrary(Path file) {
  /** Loads it where it is found and serves; loading again is harmless. */
  static Optional<NcclLibrary> load(Libraries libraries) {
    return libraries.nccl() instanceof Found(Path file, int _) && flaw(file).isEmpty()
        ? Optional.of(new NcclLibrary(file))
        : Optional.empty();
  }

  private static Optional<String> flaw(Path file) {
    return new NativeLibrary(file, Nccl.class).load();
  }

  /** What there is of it, as a line for people. */
  static String describe(Libraries libraries) {
    return switch (libraries.nccl()) {
      case Missing _ ->
          "no NCCL (libnccl.so.2), which joins GPUs: pip install nvidia-nccl-cu12 brings it";
      case Found(Path file, int _) ->
          flaw(file)
              .map(what -> "no NCCL: " + what)
              .orElseGet(() -> Text.format("found %s, NCCL %s", file, version()));
    };
  }

  /** Such as {@code 2.22.3}. */
  static String version() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment code = arena.allocate(JAVA_INT);
      Check.nccl(Nccl.ncclGetVersion(code), "ncclGetVersion");
      return version(code.get(JAVA_INT, 0));
    }
  }

  /** Since 2.9 a code has two digits for each part but the first. */
  static String version(int code) {
    return code < 10_000
        ? Text.format("%d.%d.%d", code / 1000, code / 100 % 10, code % 100)
        : Text.format("%d.%d.%d", code / 10_000, code / 100 % 100, code % 100);
  }

  /** A name for a job of ranks, which one of them makes and gives to the others. */
  static MemorySegment newId(Arena arena) {
    MemorySegment id = ncclUniqueId.allocate(arena);
    Check.nccl(Nccl.ncclGetUniqueId(id), "ncclGetUniqueId");
    return id;
  }
}
