package jambic.model.io;

import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;

/** Refuses model files of other programs by the name of their format. */
public final class ForeignFormat {
  /** What is known of them, by the end of their names. */
  private static final Map<String, String> FORMATS =
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

  private ForeignFormat() {}

  /** Refuses a folder with such a file in it. */
  public static void refuseIn(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      files.sorted().forEach(ForeignFormat::refuse);
    } catch (IOException e) {
      throw new JambicException("cannot read " + folder + ": " + ErrorText.reason(e), e);
    }
  }

  /** Refuses such a file. */
  public static void refuse(Path file) {
    String name = file.getFileName().toString();
    FORMATS.forEach((end, format) -> {
      if (name.endsWith(end)) {
        throw new JambicException(
            Text.format("%s is in %s, which is not read; %s", file, format, SUPPORTED));
      }
    });
  }
}
