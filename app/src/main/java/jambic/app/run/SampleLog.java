package jambic.app.run;

import com.fasterxml.jackson.jr.ob.JSON;
import jambic.model.io.AtomicFile;
import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import jambic.train.run.RunListener.Sample;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * What a policy answered at each evaluation: a line of JSON for each answer.
 *
 * @param file where
 */
record SampleLog(Path file) {
  private static final String NAME = "samples.jsonl";
  private static final String ITER = "iter";

  /** The log of a run, without what a resumed run writes again. */
  static SampleLog of(Path folder, int iteration) {
    Path file = folder.resolve(NAME);
    if (Files.exists(file)) {
      try {
        String kept =
            Files.readString(file)
                .lines()
                .filter(line -> isBefore(line, iteration))
                .map(line -> line + "\n")
                .collect(Collectors.joining());
        AtomicFile.writeString(file, kept);
      } catch (IOException e) {
        throw cannot(file, e);
      }
    }
    return new SampleLog(file);
  }

  private static boolean isBefore(String line, int iteration) {
    try {
      return JSON.std.mapFrom(line).get(ITER) instanceof Integer iter && iter < iteration;
    } catch (IOException e) {
      return false; // cut off by a kill
    }
  }

  void append(int iter, List<Sample> samples) {
    StringBuilder lines = new StringBuilder();
    try {
      for (Sample sample : samples) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put(ITER, iter);
        fields.put("prompt", sample.prompt());
        fields.put("answer", sample.answer());
        fields.put("score", sample.score());
        fields.put("kl", sample.kl());
        fields.put("ended", sample.ended());
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
