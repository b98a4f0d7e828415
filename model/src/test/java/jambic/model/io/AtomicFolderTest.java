package jambic.model.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.tensor.JambicException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class AtomicFolderTest {
  /** Ends a replacement as a kill does: nothing is cleaned up. */
  private static final class Killed extends Error {
    private static final long serialVersionUID = 1L;
  }

  @TempDir Path parent;
  private Path folder;

  @BeforeEach
  void nameFolder() {
    folder = parent.resolve("run");
  }

  @Test
  void replacesAllFiles() throws IOException {
    AtomicFolder.replace(folder, version("one"));
    Files.writeString(folder.resolve("extra"), "goes");
    AtomicFolder.replace(folder, version("two"));
    assertThat(read()).isEqualTo("two");
    assertThat(folder.resolve("extra")).doesNotExist();
    assertThat(siblings()).containsExactly("run");
  }

  @ParameterizedTest
  @EnumSource
  void aKillAtAnyStepLeavesOneWhole(AtomicFolder.Step last) throws Exception {
    AtomicFolder.replace(folder, version("old"));
    assertThatThrownBy(() ->
            AtomicFolder.replace(
                folder,
                version("new"),
                step -> {
                  if (step == last) {
                    throw new Killed();
                  }
                }))
        .isInstanceOf(Killed.class);
    ownerDies();

    assertThat(AtomicFolder.exists(folder)).isTrue();
    boolean swapped = last.compareTo(AtomicFolder.Step.NEW_IN_PLACE) >= 0;
    assertThat(read()).isEqualTo(swapped ? "new" : "old");

    AtomicFolder.replace(folder, version("next"));
    assertThat(read()).isEqualTo("next");
    assertThat(siblings()).as("no leftovers").containsExactly("run");
  }

  @ParameterizedTest
  @EnumSource
  void aKillDuringTheFirstReplacementLeavesNothingOrTheNewOne(AtomicFolder.Step last)
      throws Exception {
    assertThatThrownBy(() ->
            AtomicFolder.replace(
                folder,
                version("new"),
                step -> {
                  if (step == last) {
                    throw new Killed();
                  }
                }))
        .isInstanceOf(Killed.class);
    ownerDies();
    if (last.compareTo(AtomicFolder.Step.NEW_IN_PLACE) >= 0) {
      assertThat(read()).isEqualTo("new");
    } else {
      assertThat(AtomicFolder.exists(folder)).isFalse();
      assertThatThrownBy(this::read).hasMessage(folder + ": there is no such folder");
    }
  }

  @Test
  void aKilledProcessLeavesOneWhole() throws Exception {
    AtomicFolder.replace(folder, version("0"));
    for (int kill = 0; kill < 6; kill++) {
      Process process =
          new ProcessBuilder(
                  ProcessHandle.current().info().command().orElse("java"),
                  "-Xshare:auto",
                  "-XX:TieredStopAtLevel=1",
                  "-cp",
                  String.join(
                      System.getProperty("path.separator"),
                      root(AtomicFolder.class),
                      root(JambicException.class),
                      root(AtomicFolderTest.class)),
                  Endless.class.getName(),
                  folder.toString())
              .inheritIO()
              .start();
      String before = read();
      while (read().equals(before) && process.isAlive()) {
        Thread.sleep(1);
      }
      Thread.sleep(3L * kill);
      process.destroyForcibly().waitFor();
      assertThat(Integer.parseInt(read())).as("it replaced").isPositive();
    }
    AtomicFolder.replace(folder, version("end"));
    assertThat(siblings()).as("no leftovers").containsExactly("run");
  }

  /** Replaces a folder until it is killed. */
  static final class Endless {
    public static void main(String[] args) {
      for (int number = 1; ; number++) {
        AtomicFolder.replace(Path.of(args[0]), version(Integer.toString(number)));
      }
    }
  }

  @Test
  void aFailedWriterLeavesTheOldOne() throws IOException {
    AtomicFolder.replace(folder, version("old"));
    assertThatThrownBy(() ->
            AtomicFolder.replace(
                folder,
                temporary -> {
                  version("half").writeTo(temporary);
                  throw new IOException("No space left on device");
                }))
        .isInstanceOf(JambicException.class)
        .hasMessage("cannot write folder " + folder + ": No space left on device");
    assertThat(read()).isEqualTo("old");
    assertThat(siblings()).containsExactly("run");
  }

  @Test
  void aFailureNamesTheFolderAndNotTheTemporaryOne() {
    AtomicFolder.Writer full =
        temporary -> AtomicFile.writeString(temporary.resolve("none/file"), "text");
    assertThatThrownBy(() -> AtomicFolder.replace(folder, full))
        .isInstanceOf(JambicException.class)
        .hasMessage(
            "cannot write %s: there is no such file or folder", folder.resolve("none/file"));
  }

  @Test
  void readersAlwaysSeeOneWholeFolder() throws Exception {
    AtomicFolder.replace(folder, version("0"));
    AtomicBoolean done = new AtomicBoolean();
    List<Throwable> failures = new ArrayList<>();
    Thread reader =
        Thread.ofPlatform()
            .start(() -> {
              try {
                while (!done.get()) {
                  read();
                }
              } catch (Throwable e) {
                failures.add(e);
              }
            });
    for (int i = 1; i < 60 && reader.isAlive(); i++) {
      AtomicFolder.replace(folder, version(Integer.toString(i)));
    }
    done.set(true);
    reader.join();
    assertThat(failures).isEmpty();
    assertThat(read()).isEqualTo("59");
  }

  @Test
  void refusesAFileAndARoot() throws IOException {
    Files.writeString(folder, "a file");
    assertThatThrownBy(() -> AtomicFolder.replace(folder, version("x")))
        .hasMessage("cannot write folder " + folder + ": it is not a folder");
    assertThatThrownBy(() -> AtomicFolder.replace(parent.getRoot(), version("x")))
        .hasMessageContaining("it is the root of the file system");
  }

  @Test
  void makesParentsAndKeepsLinks() throws IOException {
    Path deep = parent.resolve("a/b/run");
    AtomicFolder.replace(deep, version("one"));
    Path link = Files.createSymbolicLink(folder, deep);
    AtomicFolder.replace(link, version("two"));
    assertThat(link).isSymbolicLink();
    assertThat(read()).isEqualTo("two");
    assertThat(deep.resolve("first")).hasContent("two");
  }

  /** Two files that must agree. */
  private static AtomicFolder.Writer version(String text) {
    return folder -> {
      Files.writeString(folder.resolve("first"), text);
      Files.createDirectory(folder.resolve("sub"));
      Files.writeString(folder.resolve("sub/second"), text);
    };
  }

  private String read() {
    return AtomicFolder.read(
        folder,
        whole -> {
          String first = Files.readString(whole.resolve("first"));
          if (!Files.readString(whole.resolve("sub/second")).equals(first)) {
            throw new IOException("the files do not belong together");
          }
          return first;
        });
  }

  /** Gives this process's leftovers to one that is gone. */
  private void ownerDies() throws Exception {
    Process gone =
        new ProcessBuilder(ProcessHandle.current().info().command().orElse("java"), "-version")
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    gone.waitFor();
    String mine = "tmp-" + ProcessHandle.current().pid() + "-";
    for (String name : siblings()) {
      if (name.contains(mine)) {
        Files.move(
            parent.resolve(name), parent.resolve(name.replace(mine, "tmp-" + gone.pid() + "-")));
      }
    }
  }

  private List<String> siblings() {
    try (Stream<Path> all = Files.list(parent)) {
      return all.map(p -> p.getFileName().toString()).sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The folder or jar that a class was loaded from. */
  private static String root(Class<?> type) {
    String path = type.getName().replace('.', '/') + ".class";
    String url = type.getResource("/" + path).toString();
    String base = url.substring(0, url.length() - path.length());
    return Path.of(java.net.URI.create(base.replaceAll("^jar:|!/$", ""))).toString();
  }
}
