package jambic.app.run;

import com.fasterxml.jackson.jr.ob.JSON;
import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import jambic.train.run.RunLines;
import jambic.train.run.RunListener.Sample;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * What a model wrote at each evaluation: a line of JSON for each text.
 *
 * @param file where
 */
record SampleLog(Path file) {
  static final String NAME = "samples.jsonl";

  /** The log of a run, without what a resumed run writes again. */
  static SampleLog of(Path folder, int iteration, Consumer<String> notices) {
    Path file = folder.resolve(NAME);
    RunLines.resume(file, iteration, notices);
    return new SampleLog(file);
  }

  void append(int iter, List<Sample> samples) {
    if (samples.isEmpty()) {
      return;
    }
    StringBuilder lines = new StringBuilder();
    try {
      for (Sample sample : samples) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("iter", iter);
        fields.put("prompt", sample.prompt());
        fields.put("answer", sample.answer());
        fields.putAll(sample.details());
        lines.append(JSON.std.asString(fields)).append('\n');
      }
      Files.writeString(
          file,
          lines,
          StandardCharsets.UTF_8,
          StandardOpenOption.CREATE,
          StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw cannot(file, e);
    }
  }

  private static JambicException cannot(Path file, IOException e) {
    return new JambicException(Text.format("cannot write %s: %s", file, ErrorText.reason(e)), e);
  }
}
