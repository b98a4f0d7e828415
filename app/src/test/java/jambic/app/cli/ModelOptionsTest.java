package jambic.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import jambic.app.CommandLineCall;
import jambic.app.TinyRun;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A name that may be a folder's or a model's of the hub. */
class ModelOptionsTest {
  @TempDir Path folder;

  @Test
  void aFolderOfHuggingFacesCacheIsTakenByItsSnapshot() throws IOException {
    Path run = folder.resolve("run");
    CommandLineCall trained = TinyRun.train(TinyRun.text(folder), run, "--max-iters=1");
    assertThat(trained.code()).as(trained.err()).isZero();
    Path model = folder.resolve("models--me--m");
    Files.createDirectories(model.resolve("snapshots"));
    Files.move(run.resolve("last"), model.resolve("snapshots/abc"));
    Files.createDirectories(model.resolve("refs"));
    Files.writeString(model.resolve("refs/main"), "abc");
    CommandLineCall call = CommandLineCall.of("logits", model, "--ids", "1", "--json");
    assertThat(call.code()).as(call.err()).isZero();
  }

  @Test
  void aPathBesideOtherFoldersIsNotAskedOfTheHub() {
    assertThat(ModelOptions.ofHub(Path.of("no-such-user/model"))).contains("no-such-user/model");
    assertThat(ModelOptions.ofHub(Path.of("src/model"))).isEmpty();
    assertThat(ModelOptions.ofHub(Path.of("src/model@main"))).contains("src/model@main");
    assertThat(ModelOptions.ofHub(Path.of("src/main"))).isEmpty();
    CommandLineCall call = CommandLineCall.of("sample", "src/model");
    assertThat(call.code()).isEqualTo(1);
    assertThat(call.err())
        .isEqualTo(
            "jambic: src/model does not exist; name the folder of a run or of a checkpoint, or write"
                + " src/model@main for the hub's model"
                + System.lineSeparator());
  }

  @Test
  void aPathThatIsNoNameOfTheHubIsAMissingFolder() throws IOException {
    Path run = Files.createDirectories(folder.resolve("shakespeare"));
    for (Path typed : List.of(folder.resolve("elsewhere"), Path.of("./no/such/folder"))) {
      assertThat(CommandLineCall.of("sample", typed).err())
          .isEqualTo(
              "jambic: %s does not exist; name the folder of a run or of a checkpoint%n", typed);
    }
    assertThat(CommandLineCall.of("eval", folder.resolve("shakspeare")).err())
        .isEqualTo(
            "jambic: %s does not exist; did you mean %s?%n", folder.resolve("shakspeare"), run);
  }

  @Test
  void aRunsFolderInUseIsRefusedBeforeTheModelIsLookedFor() throws IOException {
    Path run = folder.resolve("run");
    CommandLineCall trained = TinyRun.train(TinyRun.text(folder), run, "--max-iters=1");
    assertThat(trained.code()).as(trained.err()).isZero();
    CommandLineCall call =
        CommandLineCall.of("train", "--init", "me/no-such-model", "--offline", "--out", run);
    assertThat(call.code()).isEqualTo(1);
    assertThat(call.err())
        .isEqualTo(
            "jambic: "
                + run
                + " holds a run already; resume it with --resume, or name another folder"
                + System.lineSeparator());
  }
}
