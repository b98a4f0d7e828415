package jambic.app.align;

import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import jambic.train.example.AnswerEncoder;
import jambic.train.example.Encoded;
import jambic.train.example.ExampleEncoder;
import jambic.train.example.PromptFile;
import jambic.train.example.PromptRow;
import jambic.train.example.Rows;
import jambic.train.example.TokenPrompt;
import jambic.train.policy.PolicyData;
import java.nio.IntBuffer;
import java.nio.file.Path;
import java.util.List;

/** Reads the prompts that a policy learns to answer. */
final class PolicyPrompts {
  private static final int MEASURED = 200;

  private PolicyPrompts() {}

  /**
   * Reads them; so many are measured with at most, in the order of the file.
   *
   * @param responseLength the longest answer, which must fit behind every prompt
   * @param context tokens of a prompt and an answer at most
   */
  static PolicyData read(GptStage stage, int responseLength, int context) {
    AnswerEncoder encoder = stage.initial().encoder();
    if (responseLength >= context) {
      throw new JambicException(
          Text.format(
              "answers of %d tokens leave no room for a prompt in a context of %d; lower --response-length",
              responseLength, context));
    }
    int longest = context - responseLength + 1;
    HeldOut<TokenPrompt> parts =
        HeldOut.of(
            stage.file(),
            prompts(stage.session(), encoder, stage.file(), longest, context),
            stage.held().map(f -> prompts(stage.session(), encoder, f, longest, context)),
            prompt -> IntBuffer.wrap(prompt.ids()));
    return new PolicyData(
        parts.train(),
        parts.valid().stream().limit(MEASURED).toList(),
        stage.initial().tokenizer(),
        encoder,
        context);
  }

  private static List<TokenPrompt> prompts(
      StageSession<?> session, AnswerEncoder encoder, Path file, int maxTokens, int context) {
    Rows<PromptRow> rows = PromptFile.read(file);
    int shortest =
        rows.rows().stream().mapToInt(row -> encoder.prompt(row.prompt()).length).min().orElse(0);
    if (shortest >= maxTokens) {
      throw new JambicException(
          Text.format(
              "the shortest prompt of %s has %d tokens, and answers of %d leave room for %d in a context of %d; lower --response-length",
              file, shortest, context - maxTokens + 1, maxTokens - 1, context));
    }
    Encoded<TokenPrompt> encoded = ExampleEncoder.prompts(encoder, rows.rows(), maxTokens);
    session.tell(rows.notices(), encoded.dropped());
    return encoded.examples();
  }
}
