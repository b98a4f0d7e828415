package jambic.model.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.tensor.JambicException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class AtomicFileTest {
  @TempDir Path folder;

  @Test
  void replacesAFile() {
    Path file = folder.resolve("state.json");
    AtomicFile.writeString(file, "one");
    AtomicFile.writeString(file, "zwei ä");
    assertThat(file).hasContent("zwei ä");
    assertThat(folder).isDirectoryContaining(file::equals).isDirectoryNotContaining("glob:**/.*");
  }

  @Test
  void aLinkStaysAndItsFileIsReplaced() throws IOException {
    Path real = Files.writeString(folder.resolve("real"), "old");
    Path link = Files.createSymbolicLink(folder.resolve("link"), Path.of("real"));
    Path ahead = Files.createSymbolicLink(folder.resolve("ahead"), Path.of("next"));
    Path next = Files.createSymbolicLink(folder.resolve("next"), Path.of("later"));
    AtomicFile.writeString(link, "new");
    AtomicFile.writeString(ahead, "first");
    assertThat(link).isSymbolicLink();
    assertThat(real).hasContent("new");
    assertThat(ahead).isSymbolicLink();
    assertThat(next).isSymbolicLink();
    assertThat(folder.resolve("later")).hasContent("first");
  }

  @Test
  @DisabledOnOs(OS.WINDOWS)
  void aPipeIsWrittenTo() throws Exception {
    Path pipe = folder.resolve("pipe");
    assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor()).isZero();
    FutureTask<String> reader = new FutureTask<>(() -> Files.readString(pipe));
    Thread.ofPlatform().daemon().start(reader);
    AtomicFile.writeString(pipe, "through");
    assertThat(reader.get(10, TimeUnit.SECONDS)).isEqualTo("through");
    assertThat(Files.isRegularFile(pipe)).isFalse();
  }

  @Test
  void aFailureKeepsTheOldFile() {
    Path file = folder.resolve("state.json");
    AtomicFile.writeString(file, "old");
    assertThatThrownBy(() ->
            AtomicFile.write(
                file,
                out -> {
                  out.write(new byte[10]);
                  throw new IOException("No space left on device");
                }))
        .isInstanceOf(JambicException.class)
        .hasMessage("cannot write " + file + ": No space left on device");
    assertThat(file).hasContent("old");
    assertThat(folder).isDirectoryNotContaining("glob:**/.*");
  }

  @Test
  void deletesWhatADeadProcessLeft() throws Exception {
    Process gone =
        new ProcessBuilder(ProcessHandle.current().info().command().orElse("java"), "-version")
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    gone.waitFor();
    ProcessHandle own = ProcessHandle.current();
    long start = own.info().startInstant().orElseThrow().getEpochSecond();
    Path dead = leftover("half", gone.pid(), start);
    Path namesake = leftover("half, by a process that had this one's number", own.pid(), start - 9);
    Path living = leftover("", own.pid(), start);
    Path foreign = Files.writeString(folder.resolve(".x.tmp-draft"), "someone's own");
    AtomicFile.writeString(folder.resolve("x"), "new");
    assertThat(dead).doesNotExist();
    assertThat(namesake).doesNotExist();
    assertThat(living).exists();
    assertThat(foreign).exists();
  }

  private Path leftover(String content, long pid, long start) throws IOException {
    return Files.writeString(folder.resolve(".x.tmp-%d-%d-ab".formatted(pid, start)), content);
  }

  @Test
  void namesAMissingFolder() {
    Path file = folder.resolve("no/state.json");
    assertThatThrownBy(() -> AtomicFile.writeString(file, ""))
        .hasMessage("cannot write " + file + ": there is no such file or folder");
  }
}
