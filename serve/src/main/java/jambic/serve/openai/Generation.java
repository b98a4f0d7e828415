package jambic.serve.openai;

import jambic.model.generate.Completion;
import jambic.model.generate.FinishReason;
import jambic.model.generate.GeneratedToken;
import jambic.model.generate.GenerationRequest;
import jambic.model.generate.TokenLogProbs;
import jambic.serve.model.RequestMetrics.Outcome;
import jambic.serve.model.RequestTimer;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * The texts of a request as they are written. The engine's thread only puts events in a queue that
 * has room for all that can come: however slowly a client reads, no other waits for it.
 */
final class Generation implements AutoCloseable {
  private final TextRequest request;
  private final BlockingQueue<GenerationEvent> events;
  private final List<Completion> completions = new ArrayList<>();

  /**
   * Submits all texts.
   *
   * @throws jambic.tensor.JambicException if the model can never write one
   */
  Generation(TextRequest request) {
    this.request = request;
    long room = request.requests().stream().mapToLong(r -> 2L * r.maxNewTokens() + 4).sum();
    events = new LinkedBlockingQueue<>((int) Math.min(Integer.MAX_VALUE, room));
    try {
      for (GenerationRequest each : request.requests()) {
        Queued listener = new Queued(completions.size(), each.prompt().length);
        completions.add(request.host().submit(each, listener));
      }
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  /** Puts what comes into the queue, and takes the time. */
  private final class Queued implements Completion.Listener {
    private final int choice;
    private final RequestTimer timer;
    private final List<GeneratedToken> untold = new ArrayList<>(); // before their text

    Queued(int choice, int promptTokens) {
      this.choice = choice;
      timer = request.host().timer(promptTokens);
    }

    @Override
    public void onAdmitted() {
      timer.admitted();
    }

    @Override
    public boolean onToken(GeneratedToken token) {
      timer.token();
      untold.add(token);
      return true;
    }

    @Override
    public boolean onText(String piece) {
      return events.offer(new GenerationEvent.Said(choice, told(), piece));
    }

    private List<GeneratedToken> told() {
      List<GeneratedToken> tokens = List.copyOf(untold);
      untold.clear();
      return tokens;
    }

    @Override
    public void onEnd(FinishReason reason) {
      timer.ended(
          switch (reason) {
            case STOP -> Outcome.STOP;
            case LENGTH -> Outcome.LENGTH;
            case CANCELLED -> Outcome.ABORT;
          });
      events.add(new GenerationEvent.Ended(choice, told(), reason));
    }

    @Override
    public void onFailure(RuntimeException why) {
      timer.ended(Outcome.ERROR);
      events.add(new GenerationEvent.Failed(choice, why));
    }
  }

  /** The next event; empty when none came for a while. */
  Optional<GenerationEvent> next(Duration atMost) throws IOException {
    try {
      return Optional.ofNullable(events.poll(atMost.toNanos(), TimeUnit.NANOSECONDS));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("the server stops");
    }
  }

  /** The log-probabilities of the prompt, once a token or the end of its text has come. */
  List<Optional<TokenLogProbs>> promptLogProbs(int choice) {
    return completions.get(choice).promptLogProbs();
  }

  /** Cancels what has not ended. */
  @Override
  public void close() {
    completions.forEach(Completion::cancel);
  }
}
