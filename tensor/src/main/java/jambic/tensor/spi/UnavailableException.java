package jambic.tensor.spi;

import jambic.tensor.JambicException;
import jambic.tensor.spi.BackendProvider.Unavailable;
import jambic.tensor.text.Text;

/** A backend cannot be opened here; another one may. */
public final class UnavailableException extends JambicException {
  private static final long serialVersionUID = 1L;

  /** Why, as half a sentence. */
  private final String reason;

  /** What to do about it, as an imperative sentence. */
  private final String remedy;

  /**
   * A backend that does not open.
   *
   * @param backend its name
   * @param why the reason and the remedy
   */
  public UnavailableException(String backend, Unavailable why) {
    super(Text.format("backend %s is not available: %s. %s", backend, why.reason(), why.remedy()));
    reason = why.reason();
    remedy = why.remedy();
  }

  /**
   * Why it does not open, as {@link BackendProvider#probe} would have said it.
   *
   * @return the reason and the remedy
   */
  public Unavailable why() {
    return new Unavailable(reason, remedy);
  }
}
