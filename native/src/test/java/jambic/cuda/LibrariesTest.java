package jambic.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import jambic.cuda.Installation.Lacking;
import jambic.cuda.Libraries.Found;
import jambic.cuda.Libraries.Missing;
import jambic.cuda.Libraries.Search;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where libraries are looked for, on machines that are folders. */
class LibrariesTest {
  @TempDir private Path root;

  private Path file(String path) throws IOException {
    Path file = root.resolve(path);
    Files.createDirectories(file.getParent());
    return Files.createFile(file);
  }

  private Libraries libraries(String... variables) {
    return new Libraries(FakeDriver.settings(variables), root);
  }

  @Test
  void cudaHomeComesFirst() throws IOException {
    Path mine = file("mine/lib64/libnvrtc.so.13");
    file("loader/libnvrtc.so.13");
    Libraries libraries =
        libraries("CUDA_HOME", root.resolve("mine") + "", "LD_LIBRARY_PATH", root + "/loader");
    assertThat(libraries.find("nvrtc", 13)).isEqualTo(new Found(mine, 13));
  }

  @Test
  void cudaHomeDecidesTheVersion() throws IOException {
    Path mine = file("mine/lib64/libnvrtc.so.12");
    file("loader/libnvrtc.so.13");
    Libraries libraries =
        libraries("CUDA_HOME", root.resolve("mine") + "", "LD_LIBRARY_PATH", root + "/loader");
    assertThat(libraries.find("nvrtc", 13)).isEqualTo(new Found(mine, 12));
  }

  @Test
  void cudaHomeComesBeforeCudaPath() throws IOException {
    Path mine = file("mine/lib64/libnvrtc.so.12");
    file("other/lib64/libnvrtc.so.13");
    Libraries libraries =
        libraries("CUDA_HOME", root.resolve("mine") + "", "CUDA_PATH", root.resolve("other") + "");
    assertThat(libraries.find("nvrtc", 13)).isEqualTo(new Found(mine, 12));
  }

  @Test
  void cudaHomeMayBeRelativeOrTheLibrariesFolder() throws IOException {
    Path mine = file("mine/lib64/libnvrtc.so.13");
    Path here = Path.of("").toAbsolutePath();
    for (Path home : List.of(root.resolve("mine"), root.resolve("mine/lib64"))) {
      String relative = here.relativize(home.toAbsolutePath()).toString();
      for (String name : List.of(home.toString(), home + "/", relative)) {
        Search search = libraries("CUDA_HOME", name).find("nvrtc", 13);
        assertThat(((Found) search).file()).as(name).exists().hasSameBinaryContentAs(mine);
      }
    }
  }

  @Test
  void aBrokenLibraryIsNamedOnce() throws IOException {
    Path broken = file("broken/libcuda.so.1");
    Files.writeString(broken, "no library");
    Lacking lacking =
        (Lacking) Installation.of(libraries("LD_LIBRARY_PATH", broken.getParent().toString()));
    assertThat(lacking.reason())
        .startsWith("the driver " + broken + " cannot be loaded (")
        .doesNotContainPattern("(?s)libcuda.*libcuda");
  }

  @Test
  void theLoadersPathComesBeforeTheToolkits() throws IOException {
    file("usr/local/cuda-13.0/lib64/libnvrtc.so.13");
    Path loaders = file("loader/libnvrtc.so.13");
    assertThat(libraries("LD_LIBRARY_PATH", "relative::" + root + "/loader").find("nvrtc", 13))
        .isEqualTo(new Found(loaders, 13));
  }

  @Test
  void theNewestToolkitWins() throws IOException {
    file("usr/local/cuda-12.4/lib64/libcublasLt.so.12");
    file("usr/local/cuda-13.0/lib64/libcublasLt.so.13");
    Path newest = file("usr/local/cuda-13.1/lib64/libcublasLt.so.13");
    assertThat(libraries().find("cublasLt", 13)).isEqualTo(new Found(newest, 13));
  }

  @Test
  void aVersionThatTheDriverDoesNotRunIsPassedOver() throws IOException {
    file("usr/local/cuda/lib64/libcublasLt.so.13");
    Path older = file("usr/lib/x86_64-linux-gnu/libcublasLt.so.12");
    assertThat(libraries().find("cublasLt", 12)).isEqualTo(new Found(older, 12));
  }

  @Test
  void eachLibraryHasItsOwnVersion() throws IOException {
    Path compiler = file("usr/local/cuda-13.0/lib64/libnvrtc.so.13");
    Path products = file("usr/local/cuda-12.4/lib64/libcublasLt.so.12");
    assertThat(libraries().find("nvrtc", 13)).isEqualTo(new Found(compiler, 13));
    assertThat(libraries().find("cublasLt", 13)).isEqualTo(new Found(products, 12));
    assertThat(libraries().find("nvrtc", 12)).isInstanceOf(Missing.class);
  }

  @Test
  void wheelsOfPythonServe() throws IOException {
    file("venv/bin/python3");
    Path wheel = file("venv/lib/python3.12/site-packages/nvidia/cu13/lib/libcublasLt.so.13");
    Path older = file("usr/lib/python3/dist-packages/nvidia/cuda_nvrtc/lib/libnvrtc.so.12");
    assertThat(libraries("VIRTUAL_ENV", root + "/venv").find("cublasLt", 13))
        .isEqualTo(new Found(wheel, 13));
    assertThat(libraries("PATH", root + "/nowhere:" + root + "/venv/bin").find("cublasLt", 13))
        .isEqualTo(new Found(wheel, 13));
    assertThat(libraries().find("nvrtc", 13)).isEqualTo(new Found(older, 12));
    assertThat(Libraries.wheel("cublasLt", 13)).isEqualTo("nvidia-cublas");
    assertThat(Libraries.wheel("nvrtc", 12)).isEqualTo("nvidia-cuda-nvrtc-cu12");
  }

  @Test
  void theDriverLiesWhereTheLoaderLooks() throws IOException {
    Path configured = file("opt/driver/libcuda.so.1");
    file("opt/other/libcuda.so.1");
    Files.writeString(file("etc/ld.so.conf.d/00-first.conf"), "# the driver\n/opt/driver\n");
    Files.writeString(file("etc/ld.so.conf.d/nvidia.conf"), "/opt/other\n");
    assertThat(libraries().driver()).isEqualTo(new Found(configured, 1));
  }

  @Test
  void whatIsMissingNamesEveryPlace() {
    Missing missing =
        (Missing) libraries("CUDA_HOME", "/toolkit", "LD_LIBRARY_PATH", "/a:/b").find("nvrtc", 13);
    assertThat(missing.tried())
        .startsWith(Path.of("/toolkit/lib64/libnvrtc.so.13"))
        .contains(
            Path.of("/a/libnvrtc.so.13"),
            Path.of("/b/libnvrtc.so.12"),
            root.resolve("usr/local/cuda/lib64/libnvrtc.so.12"),
            root.resolve("usr/lib64/libnvrtc.so.13"));
  }

  @Test
  void withoutADriverTheReasonAndTheRemedyAreSaid() {
    Lacking lacking = (Lacking) Installation.of(new Libraries(Map.of(), root));
    assertThat(lacking.reason()).isEqualTo("there is no NVIDIA driver (libcuda.so.1)");
    assertThat(lacking.remedy())
        .isEqualTo("Install NVIDIA's driver, or compute with --backend cpu");
    assertThat(lacking.tried()).contains(root.resolve("usr/lib64/libcuda.so.1"));
  }
}
