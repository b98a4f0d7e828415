package jambic.serve.openai;

import jambic.model.generate.Completion;
import jambic.model.generate.FinishReason;
import jambic.model.generate.GeneratedToken;
import jambic.model.generate.GenerationRequest;
import jambic.model.generate.TokenLogProbs;
import jambic.serve.model.RequestMetrics;
import jambic.serve.model.RequestMetrics.Outcome;
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
        completions.add(request.host().submit(each, new Queued(completions.size())));
      }
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  /** Puts what comes into the queue, and takes the time. */
  private final class Queued implements Completion.Listener {
    private final int choice;
    private final long start = System.nanoTime();
    private long last;

    Queued(int choice) {
      this.choice = choice;
    }

    @Override
    public boolean onToken(GeneratedToken token) {
      long now = System.nanoTime();
      if (last == 0) {
        metrics().firstToken(now - start);
      } else {
        metrics().nextToken(now - last);
      }
      last = now;
      return events.offer(new GenerationEvent.Chosen(choice, token));
    }

    @Override
    public boolean onText(String piece) {
      return events.offer(new GenerationEvent.Said(choice, piece));
    }

    @Override
    public void onEnd(FinishReason reason) {
      Outcome outcome =
          switch (reason) {
            case STOP -> Outcome.STOP;
            case LENGTH -> Outcome.LENGTH;
            case CANCELLED -> Outcome.ABORT;
          };
      metrics().ended(outcome, System.nanoTime() - start);
      events.add(new GenerationEvent.Ended(choice, reason));
    }

    @Override
    public void onFailure(RuntimeException why) {
      metrics().ended(Outcome.ERROR, System.nanoTime() - start);
      events.add(new GenerationEvent.Failed(choice, why));
    }

    private RequestMetrics metrics() {
      return request.host().metrics();
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
