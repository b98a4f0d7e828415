package jambic.app.ranking;

import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import java.util.Optional;

/** Orders that are typed as lines, or come from a pipe. */
record TypedOrder(BufferedReader in, PrintWriter out) implements OrderInput {
  @Override
  public List<String> help() {
    return List.of(
        "Type the numbers of the answers, the best first, as 2 1 3; equal ones with =,",
        "as 2 1=3. s skips a prompt, u goes back to the one before, q stops.");
  }

  @Override
  public Optional<String> order(List<String> answers) {
    out.print("> ");
    out.flush();
    try {
      return Optional.ofNullable(in.readLine());
    } catch (IOException e) {
      throw new JambicException("cannot read the standard input: " + ErrorText.reason(e), e);
    }
  }
}
