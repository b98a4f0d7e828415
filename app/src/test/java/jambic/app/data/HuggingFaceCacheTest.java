package jambic.app.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.tensor.JambicException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HuggingFaceCacheTest {
  private static final Path HOME = Path.of("/home/me");

  @TempDir Path folder;

  @Test
  void isWhereTheEnvironmentSaysItIsToHuggingFacesTools() {
    assertThat(root(Map.of())).isEqualTo(HOME.resolve(".cache/huggingface/hub"));
    assertThat(root(Map.of("XDG_CACHE_HOME", "/x"))).isEqualTo(Path.of("/x/huggingface/hub"));
    assertThat(root(Map.of("HF_HOME", "/h", "XDG_CACHE_HOME", "/x"))).isEqualTo(Path.of("/h/hub"));
    assertThat(root(Map.of("HF_HUB_CACHE", "/c", "HF_HOME", "/h"))).isEqualTo(Path.of("/c"));
    assertThat(root(Map.of("HUGGINGFACE_HUB_CACHE", "/c"))).isEqualTo(Path.of("/c"));
    assertThat(root(Map.of("HF_HOME", "~/hf", "HF_HUB_CACHE", "")))
        .isEqualTo(HOME.resolve("hf/hub"));
  }

  private static Path root(Map<String, String> environment) {
    return HuggingFaceCache.of(environment, HOME).root();
  }

  @Test
  void aModelsFolderIsTakenForTheSnapshotOfItsNewestVersion() throws IOException {
    Path model = folder.resolve("models--me--m");
    Path old = Files.createDirectories(model.resolve("snapshots/0ld"));
    assertThat(HuggingFaceCache.resolve(model)).isEqualTo(old);
    Path newest = Files.createDirectories(model.resolve("snapshots/5ee"));
    assertThatThrownBy(() -> HuggingFaceCache.resolve(model))
        .isInstanceOf(JambicException.class)
        .hasMessage(
            model
                + " is of Hugging Face's cache and does not say which snapshot is the newest; name"
                + " one, such as "
                + old);
    Files.createDirectories(model.resolve("refs"));
    Files.writeString(model.resolve("refs/main"), "5ee");
    assertThat(HuggingFaceCache.resolve(model)).isEqualTo(newest);
    Files.writeString(model.resolve("refs/main"), "../snapshots");
    assertThatThrownBy(() -> HuggingFaceCache.resolve(model)).isInstanceOf(JambicException.class);
  }

  @Test
  void aModelsFolderWithoutASnapshotIsASentence() throws IOException {
    Files.createDirectories(folder.resolve("snapshots"));
    assertThatThrownBy(() -> HuggingFaceCache.resolve(folder))
        .isInstanceOf(JambicException.class)
        .hasMessageEndingWith("holds no snapshot of the model; fetch it again");
  }

  @Test
  void anotherFolderStaysItself() throws IOException {
    assertThat(HuggingFaceCache.resolve(folder)).isEqualTo(folder);
    Files.createDirectories(folder.resolve("snapshots/mine"));
    Files.createFile(folder.resolve("config.json"));
    assertThat(HuggingFaceCache.resolve(folder)).isEqualTo(folder);
  }
}
