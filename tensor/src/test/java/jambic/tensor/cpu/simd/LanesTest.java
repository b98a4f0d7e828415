package jambic.tensor.cpu.simd;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.constantpool.FieldRefEntry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;

class LanesTest {
  @Test
  void noKernelHasVectorsOfFloatsOfAnotherWidth() throws Exception {
    var classes = Lanes.class.getProtectionDomain().getCodeSource().getLocation().toURI();
    Path folder = Path.of(classes).resolve("jambic/tensor/cpu");
    try (Stream<Path> files = Files.walk(folder)) {
      List<String> others =
          files
              .filter(file -> file.toString().endsWith(".class"))
              .filter(LanesTest::namesASpecies)
              .map(x -> x.getFileName().toString())
              .toList();
      assertThat(others).containsExactly("Lanes.class");
    }
  }

  private static boolean namesASpecies(Path file) {
    try {
      var constants = ClassFile.of().parse(file).constantPool();
      return StreamSupport.stream(constants.spliterator(), false)
          .filter(FieldRefEntry.class::isInstance)
          .map(FieldRefEntry.class::cast)
          .anyMatch(field ->
              field.owner().asInternalName().endsWith("/FloatVector")
                  && field.name().stringValue().startsWith("SPECIES_"));
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }
}
