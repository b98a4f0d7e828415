package jambic.model.checkpoint;

import jambic.model.gpt.GptConfig;
import jambic.model.io.ErrorText;
import jambic.model.text.Tokenizer;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The files that make a model, without adapters: a folder as Hugging Face's GPT-2 has it, or a
 * checkpoint of nanoGPT.
 *
 * @param config the model's shape
 * @param tokenizer its tokenizer, if it has one
 * @param weights its weights by the names and in the shapes of Hugging Face's GPT-2
 * @param description what gives the shape, as errors name it
 */
record ModelFiles(
    GptConfig config, Optional<Tokenizer> tokenizer, WeightFiles weights, String description)
    implements Closeable {
  /** What is known of other programs' files, by the end of their names. */
  private static final Map<String, String> FOREIGN =
      Map.of(
          ".gguf", "GGUF, the format of llama.cpp",
          ".ggml", "GGML, the former format of llama.cpp",
          ".onnx", "ONNX",
          ".h5", "TensorFlow's format",
          ".ckpt.index", "TensorFlow's format",
          ".tflite", "TensorFlow Lite's format",
          ".msgpack", "Flax's format");

  private static final String SUPPORTED =
      "supported are model.safetensors and pytorch_model.bin with a config.json, and nanoGPT's"
          + " ckpt.pt";

  /** Opens the files of a folder, or the checkpoint of nanoGPT that a path is. */
  static ModelFiles open(Path path) {
    Optional<Path> nanoGpt = NanoGptCheckpoint.find(path);
    if (nanoGpt.isPresent()) {
      requireWhole(nanoGpt.get());
      return NanoGptCheckpoint.open(nanoGpt.get());
    }
    if (!WeightFiles.areIn(path)) {
      requireNotForeign(path);
    }
    GptConfig config = Gpt2Config.read(path);
    Optional<Tokenizer> tokenizer = Tokenizer.find(path);
    return new ModelFiles(config, tokenizer, WeightFiles.open(path), Gpt2Config.NAME);
  }

  /** Whether a model lies there. */
  static boolean areIn(Path path) {
    return Files.exists(path.resolve(Gpt2Config.NAME)) || NanoGptCheckpoint.find(path).isPresent();
  }

  /** Refuses a file that is only a part of a model, or of another program. */
  private static void requireWhole(Path file) {
    requireReadable(file);
    String name = file.getFileName().toString();
    if (Stream.of(".pt", ".pth", ".ckpt").noneMatch(name::endsWith)) {
      throw new JambicException(
          Text.format(
              "%s is a file; name the folder that it and the model's other files lie in, or nanoGPT's %s",
              file, NanoGptCheckpoint.NAME));
    }
  }

  /** Refuses a folder whose weights are of other programs only. */
  private static void requireNotForeign(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      files.sorted().forEach(ModelFiles::requireReadable);
    } catch (IOException e) {
      throw new JambicException("cannot read " + folder + ": " + ErrorText.reason(e), e);
    }
    Path checkpoint = folder.resolve(NanoGptCheckpoint.NAME);
    if (Files.exists(checkpoint)) {
      throw new JambicException(
          Text.format(
              "%s holds a %s but no weights to it; for nanoGPT's checkpoint name %s",
              folder, Gpt2Config.NAME, checkpoint));
    }
  }

  private static void requireReadable(Path file) {
    String name = file.getFileName().toString();
    FOREIGN.forEach((end, format) -> {
      if (name.endsWith(end)) {
        throw new JambicException(
            Text.format("%s is in %s, which is not read; %s", file, format, SUPPORTED));
      }
    });
  }

  /** Finds every parameter among the weights and checks its shape. */
  Gpt2Weights checked() {
    return Gpt2Weights.of(weights.path().toString(), description, config, weights.entries());
  }

  @Override
  public void close() {
    weights.close();
  }
}
