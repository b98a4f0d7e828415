package jambic.cuda;

import jambic.tensor.text.Text;
import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.lang.reflect.Method;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A file of NVIDIA's, looked at before it is relied on: the JVM survives neither a file that is cut
 * short, nor do the bindings a function that is not there.
 *
 * @param file where it is
 * @param bindings what jextract wrote for it
 */
record NativeLibrary(Path file, Class<?> bindings) {
  /**
   * Loads it; loading again is harmless.
   *
   * @return what is wrong with it, as half a sentence; empty if it serves
   */
  Optional<String> load() {
    return load(file).or(this::missingFunction);
  }

  /** The same for a file that is not called by the bindings. */
  static Optional<String> load(Path file) {
    Optional<String> flaw = ElfFile.flaw(file);
    if (flaw.isPresent()) {
      return flaw.map(what -> file + " " + what);
    }
    try {
      System.load(file.toString());
      return Optional.empty();
    } catch (UnsatisfiedLinkError e) {
      // Names the file once: the message begins with it, twice where the loader says so too.
      String why = e.getMessage().replace(file + ": ", "");
      return Optional.of(Text.format("%s cannot be loaded (%s)", file, why));
    }
  }

  private Optional<String> missingFunction() {
    try (Arena arena = Arena.ofConfined()) {
      SymbolLookup library = SymbolLookup.libraryLookup(file, arena);
      return functions(bindings)
          .filter(name -> library.find(name).isEmpty())
          .findFirst()
          .map(name -> Text.format("%s lacks the function %s", file, name));
    }
  }

  /** What the bindings call, by name: for each they have a method {@code NAME$address}. */
  static Stream<String> functions(Class<?> bindings) {
    String suffix = "$address";
    return Stream.of(bindings.getMethods())
        .map(Method::getName)
        .filter(name -> name.endsWith(suffix))
        .map(name -> name.substring(0, name.length() - suffix.length()))
        .sorted();
  }
}
