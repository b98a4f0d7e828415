package jambic.train.policy;

import jambic.model.LanguageModel;
import jambic.model.generate.Completion;
import jambic.model.generate.FinishReason;
import jambic.model.generate.GenerationRequest;
import jambic.model.generate.InferenceEngine;
import jambic.model.generate.SamplingParams;
import jambic.tensor.Philox;
import jambic.train.example.TokenPrompt;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.ToIntFunction;
import java.util.stream.StreamSupport;

/**
 * Draws answers from a model with the engine that serves it: batched, with a KV cache. Tokens are
 * drawn from all of the vocabulary, because that is the distribution that training knows.
 */
public final class Rollouts implements AutoCloseable {
  private static final int MAX_BATCH = 64;
  private static final int PAGE = 64; // a sequence has whole pages of the cache to itself
  private static final int DRAW = 0x52_4F_4C_00; // a stream of Philox of its own

  private final InferenceEngine engine;
  private final int context;
  private final int maxNewTokens;
  private final ToIntFunction<TokenPrompt> end;

  /**
   * Draws from a model.
   *
   * @param model what answers; its weights may change between two draws
   * @param context the longest prompt with its answer
   * @param maxNewTokens the longest answer
   * @param end the token that ends the answer to a prompt
   */
  public Rollouts(
      LanguageModel model, int context, int maxNewTokens, ToIntFunction<TokenPrompt> end) {
    this.context = context;
    this.maxNewTokens = maxNewTokens;
    this.end = end;
    int each = Math.ceilDiv(context, PAGE) * PAGE;
    engine =
        new InferenceEngine(
            model, Optional.empty(), MAX_BATCH, Math.multiplyExact(MAX_BATCH, each));
  }

  /**
   * Draws an answer to each prompt.
   *
   * @param prompts the prompts, each with room for an answer
   * @param temperature 0 for the likeliest tokens
   * @param seed decides what is drawn
   * @param round another one draws others, and so does another place in the list
   * @param stop asked on the way
   * @return the answers in the order of the prompts; empty if it was stopped
   */
  public Optional<List<Rollout>> draw(
      List<TokenPrompt> prompts, float temperature, long seed, int round, BooleanSupplier stop) {
    engine.forgetPrefixes(); // the weights may have changed
    List<Completion> completions = new ArrayList<>();
    int[] words = new int[4];
    for (int i = 0; i < prompts.size(); i++) {
      Philox.block(words, seed, i, round, 0, DRAW);
      long own = (long) words[0] << 32 | words[1] & 0xFFFFFFFFL;
      int[] prompt = prompts.get(i).ids();
      completions.add(
          engine.submit(
              GenerationRequest.of(prompt, Math.min(maxNewTokens, context - prompt.length))
                  .withIgnoreEos(true)
                  .withStopTokens(Set.of(end.applyAsInt(prompts.get(i))))
                  .withSampling(new SamplingParams(temperature, 0, 1, own))));
    }
    while (engine.step()) {
      if (stop.getAsBoolean()) {
        completions.forEach(Completion::cancel);
        while (engine.step()) {} // they leave
        return Optional.empty();
      }
    }
    List<Rollout> drawn = new ArrayList<>();
    for (int i = 0; i < prompts.size(); i++) {
      Completion completion = completions.get(i);
      boolean ended = completion.await() == FinishReason.STOP;
      int[] answer =
          StreamSupport.stream(completion.tokens().spliterator(), false)
              .mapToInt(token -> token.id())
              .toArray();
      drawn.add(new Rollout(prompts.get(i), answer, ended));
    }
    return Optional.of(drawn);
  }

  /** Frees the cache; the model stays. */
  @Override
  public void close() {
    engine.close();
  }
}
