package jambic.app;

import static java.util.stream.Collectors.toSet;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleDescriptor.Requires;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The boundaries between the modules, read off the descriptors this test runs with. */
class ModulesTest {

  /** Each requires only what stands to its left. */
  private static final List<String> ORDER =
      List.of("jambic.tensor", "jambic.model", "jambic.train", "jambic.app");

  @ParameterizedTest
  @ValueSource(strings = {"jambic.tensor", "jambic.model", "jambic.train", "jambic.app"})
  void aModuleKnowsOnlyTheOnesBelowIt(String name) {
    var above = ORDER.subList(ORDER.indexOf(name), ORDER.size());
    assertThat(required(name)).doesNotContainAnyElementsOf(above);
  }

  @ParameterizedTest
  @ValueSource(strings = {"jambic.tensor", "jambic.model", "jambic.train", "jambic.app"})
  void noModuleNamesABackend(String name) {
    assertThat(required(name)).doesNotContain("jambic.cuda", "jambic.mpi");
  }

  @Test
  void tensorsNeedTheJdkAndNothingElse() {
    assertThat(required("jambic.tensor"))
        .contains("jdk.incubator.vector")
        .allMatch(module -> module.startsWith("java.") || module.startsWith("jdk."));
  }

  @Test
  void theEngineNeedsNoCommandLine() {
    assertThat(required("jambic.model")).doesNotContain("info.picocli", "java.desktop");
    assertThat(required("jambic.train")).doesNotContain("info.picocli", "java.desktop");
  }

  @Test
  void whoeverRequiresTheTrainingSeesTheModelAndTheTensors() {
    assertThat(transitive("jambic.train")).contains("jambic.model");
    assertThat(transitive("jambic.model")).contains("jambic.tensor");
  }

  @Test
  void theBackendsAreFoundAsServicesNotAsPackages() {
    assertThat(descriptor("jambic.tensor").exports())
        .filteredOn(export -> !export.isQualified())
        .extracting(ModuleDescriptor.Exports::source)
        .containsExactlyInAnyOrder("jambic.tensor", "jambic.tensor.spi");
    assertThat(descriptor("jambic.app").exports()).isEmpty();
  }

  private static Set<String> required(String name) {
    return descriptor(name).requires().stream().map(Requires::name).collect(toSet());
  }

  private static Set<String> transitive(String name) {
    return descriptor(name).requires().stream()
        .filter(requires -> requires.modifiers().contains(Requires.Modifier.TRANSITIVE))
        .map(Requires::name)
        .collect(toSet());
  }

  private static ModuleDescriptor descriptor(String name) {
    return ModuleLayer.boot().findModule(name).orElseThrow().getDescriptor();
  }
}
