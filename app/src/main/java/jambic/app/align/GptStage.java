package jambic.app.align;

import jambic.app.cli.RunRecord;
import jambic.model.chat.ChatTemplate;
import jambic.model.gpt.Gpt;
import jambic.tensor.spi.Backend;
import jambic.train.stage.StageConfig;
import jambic.train.stage.StageRun;
import jambic.train.stage.StageWork;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * What stages have in common that train the GPT they begin with.
 *
 * @param initial that GPT
 * @param file what is learned from
 * @param held what is measured with, if that is another file
 */
record GptStage(StageSession<?> session, InitialGpt initial, Path file, Optional<Path> held) {
  /** Reads what the model is, and finds the files. */
  static GptStage of(StageSession<?> session, ValidData valid) {
    InitialGpt initial = InitialGpt.of(session);
    return new GptStage(session, initial, session.data(), valid.file(session));
  }

  /** The longest prompt with its answer. */
  int context(StageConfig config) {
    return config.common().lengthWithin(initial.shape().blockSize());
  }

  /**
   * A run that is ready.
   *
   * @param readers fingerprints of what is read besides the files
   * @param own choices of this stage for run.json
   * @param data says how much there is
   */
  StageSession.Loaded<Gpt> loaded(
      StageConfig config,
      float dropout,
      List<String> readers,
      Map<String, Optional<String>> own,
      String data,
      Backend backend,
      Function<Gpt, StageWork> work) {
    List<String> fingerprint = new ArrayList<>(List.of(session.fingerprint(file, held)));
    fingerprint.addAll(readers);
    Map<String, Optional<String>> choices = new LinkedHashMap<>(own);
    choices.put(RunRecord.VALID, held.map(Path::toString));
    choices.put(ChatOptions.TEMPLATE, initial.template().map(ChatTemplate::label));
    return new StageSession.Loaded<>(
        new StageRun.Plan<>(
            Gpt.FORMAT, config, String.join(" ", fingerprint), initial.template(), work),
        () -> initial.trained(session, config, dropout, backend),
        initial.tokenizer(),
        session.choices(choices),
        List.of("data     " + data),
        (model, folder, log) -> List.of(initial.next(folder)));
  }
}
