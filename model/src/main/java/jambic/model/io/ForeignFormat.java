package jambic.model.io;

import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;

/** Refuses what is often found in the place of a model's weights, by the name of its format. */
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

  /** How many of a file's first bytes tell it. */
  static final int PREFIX = 16;

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

  /** Refuses a file that begins as another program's do, whatever it is called. */
  static void refuse(String file, byte[] prefix) {
    String start =
        new String(
            Arrays.copyOf(prefix, Math.min(prefix.length, PREFIX)), StandardCharsets.ISO_8859_1);
    String text = start.stripLeading().toLowerCase(Locale.ROOT);
    if (start.startsWith("version ")) {
      throw new JambicException(
          file + " is only Git LFS's pointer to the weights; fetch them with: git lfs pull");
    }
    if (start.startsWith("GGUF")) {
      throw new JambicException(
          file
              + " is a GGUF file of llama.cpp, which is not read; get the model as safetensors instead");
    }
    if (text.startsWith("<!doctype") || text.startsWith("<html")) {
      throw new JambicException(
          file + " is a web page, not weights; download the file itself again, not its page");
    }
  }
}
