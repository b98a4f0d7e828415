package jambic.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.constantpool.ClassEntry;
import java.lang.module.ModuleReader;
import java.lang.module.ResolvedModule;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Packages only point down: none can be reached from what it uses. */
class PackagesTest {
  /** The SPI's contracts speak of tensors, and tensors lie in the SPI's memory. */
  private static final Set<String> ONE = Set.of("jambic.tensor", "jambic.tensor.spi");

  @Test
  void noPackageIsUsedByWhatItUses() throws IOException {
    Map<String, Set<String>> uses = uses();
    assertThat(uses).containsKeys("jambic.tensor", "jambic.model.gpt", "jambic.train.run");
    Map<String, Set<String>> circles = new TreeMap<>();
    uses.forEach((from, targets) -> {
      Set<String> back =
          targets.stream()
              .filter(to -> !(ONE.contains(from) && ONE.contains(to)))
              .filter(to -> reachable(to, uses).contains(from))
              .collect(Collectors.toCollection(TreeSet::new));
      if (!back.isEmpty()) {
        circles.put(from, back);
      }
    });
    assertThat(circles).isEmpty();
  }

  @Test
  void noPackageButTheCudaBackendIsLargerThanAFewRooms() throws IOException {
    assertThat(sizes().entrySet().stream().filter(entry -> entry.getValue() > 24))
        .extracting(Map.Entry::getKey)
        .isSubsetOf("jambic.cuda", "jambic.cuda.bindings");
  }

  private static Set<String> reachable(String start, Map<String, Set<String>> uses) {
    Set<String> seen = new TreeSet<>(Set.of(start));
    Deque<String> open = new ArrayDeque<>(seen);
    while (!open.isEmpty()) {
      for (String next : uses.getOrDefault(open.pop(), Set.of())) {
        if (seen.add(next)) {
          open.push(next);
        }
      }
    }
    return seen;
  }

  private static Map<String, Set<String>> uses() throws IOException {
    Map<String, Set<String>> uses = new TreeMap<>();
    forEachClass((own, type) -> {
      Set<String> targets = uses.computeIfAbsent(own, name -> new TreeSet<>());
      for (var entry : ClassFile.of().parse(type).constantPool()) {
        if (entry instanceof ClassEntry used) {
          String name = used.asInternalName().replaceFirst("^\\[+L?", "");
          if (name.startsWith("jambic/") && !packageOf(name).equals(own)) {
            targets.add(packageOf(name));
          }
        }
      }
    });
    return uses;
  }

  private static Map<String, Integer> sizes() throws IOException {
    Map<String, Integer> sizes = new TreeMap<>();
    forEachClass((own, type) -> {
      String name = ClassFile.of().parse(type).thisClass().asInternalName();
      if (!name.contains("$") && !name.endsWith("package-info")) {
        sizes.merge(own, 1, Integer::sum);
      }
    });
    return sizes;
  }

  private static String packageOf(String internalName) {
    return internalName.substring(0, internalName.lastIndexOf('/')).replace('/', '.');
  }

  private interface ClassVisitor {
    void visit(String own, byte[] type);
  }

  /** Of every module of Jambic that is there, without tests. */
  private static void forEachClass(ClassVisitor visitor) throws IOException {
    for (ResolvedModule module : ModuleLayer.boot().configuration().modules()) {
      if (!module.name().startsWith("jambic.")) {
        continue;
      }
      try (ModuleReader reader = module.reference().open()) {
        for (String resource : reader.list().toList()) {
          if (resource.endsWith(".class") && resource.contains("/")) {
            ByteBuffer bytes = reader.read(resource).orElseThrow();
            byte[] type = new byte[bytes.remaining()];
            bytes.get(type);
            reader.release(bytes);
            String own = packageOf(resource);
            if (!isTest(resource)) {
              visitor.visit(own, type);
            }
          }
        }
      }
    }
  }

  /** Tests and what helps them are patched into the module. */
  private static boolean isTest(String resource) {
    return Files.exists(Path.of("target/test-classes").resolve(resource));
  }
}
