package jambic.cuda;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import jambic.cuda.Installation.Lacking;
import jambic.cuda.Libraries.Found;
import jambic.cuda.Libraries.Missing;
import jambic.cuda.Libraries.Search;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where libraries are looked for, on machines that are folders. */
class LibrariesTest {
  /** A library that every Java has, and that is none of NVIDIA's. */
  static final Path OTHERS = Path.of(System.getProperty("java.home"), "lib", "libsyslookup.so");

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
  void cudaHomeMayNameAWheel() throws IOException {
    file("usr/local/cuda/lib64/libnvrtc.so.13");
    String packages = "venv/lib/python3.12/site-packages/nvidia/";
    Path newer = file(packages + "cu13/lib/libnvrtc.so.13");
    Path older = file(packages + "cuda_nvrtc/lib/libnvrtc.so.12");
    for (Path wheel : List.of(newer, older)) {
      String home = wheel.getParent().getParent().toString();
      assertThat(Libraries.namedWheel("nvrtc", wheel.equals(newer) ? 13 : 12))
          .endsWith("site-packages/nvidia/" + Path.of(home).getFileName());
      assertThat(((Found) libraries("CUDA_HOME", home).find("nvrtc", 13)).file()).isEqualTo(wheel);
    }
  }

  @Test
  void aCudaHomeThatNamesNothingIsSaidSo() throws IOException {
    Path file = file("a/file");
    file("toolkit/lib64/libcublasLt.so.12");
    file("ancient/lib64/libcublasLt.so.11");
    for (String vain : List.of("nowhere", "a/file", "a", "ancient")) {
      assertThat(libraries("CUDA_HOME", root + "/" + vain).misnomer())
          .contains(
              "CUDA_HOME names %s/%s, where no library of CUDA 13 or 12 is".formatted(root, vain));
    }
    assertThat(libraries("CUDA_HOME", root + "/toolkit", "CUDA_PATH", file.toString()).misnomer())
        .get()
        .asString()
        .startsWith("CUDA_PATH names " + file);
    assertThat(libraries("CUDA_HOME", root + "/toolkit").misnomer()).isEmpty();
    assertThat(libraries().misnomer()).isEmpty();
  }

  private Lacking withDriver(byte[] content) throws IOException {
    Path broken = root.resolve("broken/libcuda.so.1");
    Files.createDirectories(broken.getParent());
    Files.write(broken, content);
    return (Lacking) Installation.of(libraries("LD_LIBRARY_PATH", broken.getParent().toString()));
  }

  @Test
  void aBrokenLibraryIsNamedOnce() throws IOException {
    byte[] content = Files.readAllBytes(OTHERS);
    content[16] = 1; // an object file
    assertThat(withDriver(content).reason())
        .startsWith("the driver " + root.resolve("broken/libcuda.so.1") + " cannot be loaded (")
        .doesNotContainPattern("(?s)libcuda.*libcuda");
  }

  @Test
  void whatIsNoLibraryHereIsNotLoaded() throws IOException {
    byte[] foreign = Files.readAllBytes(OTHERS);
    foreign[18] = 21; // PowerPC
    byte[] damaged = Files.readAllBytes(OTHERS);
    damaged[39] = (byte) 0x80; // its segments begin before the file
    for (byte[] content : List.of("no library".getBytes(UTF_8), new byte[0], foreign, damaged)) {
      assertThat(withDriver(content).reason())
          .isEqualTo(
              "the driver %s is no library for this machine"
                  .formatted(root.resolve("broken/libcuda.so.1")));
    }
  }

  @Test
  void aLibraryThatIsCutShortIsNotLoaded() throws IOException {
    byte[] whole = Files.readAllBytes(OTHERS);
    for (int bytes : new int[] {20, 64, whole.length / 2, whole.length - 1}) {
      Lacking lacking = withDriver(Arrays.copyOf(whole, bytes));
      assertThat(lacking.reason())
          .startsWith(
              "the driver " + root.resolve("broken/libcuda.so.1") + " is cut short: " + bytes);
      assertThat(lacking.remedy()).contains("the backend cpu");
    }
    assertThat(withDriver(Arrays.copyOf(whole, whole.length / 2)).reason())
        .endsWith("is cut short: %d of %d bytes".formatted(whole.length / 2, whole.length));
  }

  @Test
  void aLibraryOfFullLengthThatEndsInZerosIsNotLoaded() throws IOException {
    byte[] whole = Files.readAllBytes(OTHERS);
    for (int bytes : new int[] {64, whole.length / 2}) {
      byte[] started = Arrays.copyOf(Arrays.copyOf(whole, bytes), whole.length);
      assertThat(withDriver(started).reason())
          .isEqualTo(
              "the driver %s is incomplete: it ends in zeros"
                  .formatted(root.resolve("broken/libcuda.so.1")));
    }
  }

  @Test
  void aListOfSectionsOutOfReachIsLeftToTheLoader() throws IOException {
    byte[] odd = Files.readAllBytes(OTHERS);
    ByteBuffer.wrap(odd).order(ByteOrder.LITTLE_ENDIAN).putLong(40, Long.MAX_VALUE);
    assertThat(withDriver(odd).reason()).contains("lacks the function cuCtxSetCurrent");
  }

  @Test
  void aDriverWithoutAFunctionIsNotCalled() throws IOException {
    assertThat(withDriver(Files.readAllBytes(OTHERS)).reason())
        .isEqualTo(
            "the driver %s lacks the function cuCtxSetCurrent"
                .formatted(root.resolve("broken/libcuda.so.1")));
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
  void wheelsOfPyenvServe() throws IOException {
    file("home/.pyenv/shims/python3");
    Path wheel =
        file(
            "home/.pyenv/versions/3.12.4/lib/python3.12/site-packages/nvidia/cu13/lib/libnvrtc.so.13");
    assertThat(libraries("HOME", root + "/home", "PATH", root + "/home/.pyenv/shims"))
        .extracting(libraries -> libraries.find("nvrtc", 13))
        .isEqualTo(new Found(wheel, 13));
    assertThat(libraries("PYENV_ROOT", root + "/home/.pyenv").find("nvrtc", 13))
        .isEqualTo(new Found(wheel, 13));
  }

  @Test
  void wheelsOfALinkedPythonServe() throws IOException {
    Path python = file("opt/python/bin/python3.12");
    Path wheel = file("opt/python/lib/python3.12/site-packages/nvidia/cu13/lib/libnvrtc.so.13");
    Path link = root.resolve("links/python3");
    Files.createDirectories(link.getParent());
    Files.createSymbolicLink(link, python);
    assertThat(((Found) libraries("PATH", root + "/links").find("nvrtc", 13)).file())
        .isEqualTo(wheel.toRealPath());
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
        .isEqualTo("Install NVIDIA's driver, or compute on the backend cpu");
    assertThat(lacking.tried()).contains(root.resolve("usr/lib64/libcuda.so.1"));
  }
}
