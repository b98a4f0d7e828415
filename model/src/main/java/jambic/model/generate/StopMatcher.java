package jambic.model.generate;

import jambic.model.text.TokenDecoder;
import java.util.List;

/**
 * The text of a completion as it comes, up to the first stop string. The end of what is known waits
 * while it may become one.
 */
final class StopMatcher {
  private final TokenDecoder decoder;
  private final List<String> stops;
  private final StringBuilder waiting = new StringBuilder();
  private boolean stopped;

  StopMatcher(TokenDecoder decoder, List<String> stops) {
    this.decoder = decoder;
    this.stops = stops;
  }

  /** Takes the next token; returns the text that is certain now. */
  String next(int token) {
    waiting.append(decoder.next(token));
    return release(false);
  }

  /** Ends the stream; returns the rest of the text. */
  String end() {
    if (stopped) {
      return "";
    }
    waiting.append(decoder.end());
    return release(true);
  }

  /** Whether a stop string came. */
  boolean isStopped() {
    return stopped;
  }

  private String release(boolean all) {
    int end = waiting.length();
    for (String stop : stops) {
      int at = waiting.indexOf(stop);
      if (at >= 0 && (!stopped || at < end)) {
        end = at;
        stopped = true;
      }
    }
    if (!stopped && !all) {
      end -= longestBeginning();
    }
    String certain = waiting.substring(0, end);
    waiting.delete(0, end);
    return certain;
  }

  /** How many of the last characters begin a stop string. */
  private int longestBeginning() {
    int longest = 0;
    for (String stop : stops) {
      for (int n = Math.min(stop.length() - 1, waiting.length()); n > longest; n--) {
        if (stop.startsWith(waiting.substring(waiting.length() - n))) {
          longest = n;
        }
      }
    }
    return longest;
  }
}
