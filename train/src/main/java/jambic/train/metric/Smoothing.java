package jambic.train.metric;

import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.util.Locale;

/**
 * What BLEU takes for the precision of n-grams of which none matches, so that the mean is not zero.
 *
 * @param method the method
 * @param value its constant, which {@code EXP} and {@code NONE} do not use
 */
public record Smoothing(Method method, double value) {
  /** The methods of Chen and Cherry (2014) that sacreBLEU has. */
  public enum Method {
    /** No smoothing: a precision of zero makes the score zero. */
    NONE,
    /** The first method: the constant stands for no match. */
    FLOOR,
    /** The second method: the constant is added to matches and totals beyond single words. */
    ADD_K,
    /** The third method: a half for the first order without a match, a quarter for the next. */
    EXP
  }

  /** The default of sacreBLEU. */
  public static final Smoothing EXP = new Smoothing(Method.EXP, 0);

  /** No smoothing. */
  public static final Smoothing NONE = new Smoothing(Method.NONE, 0);

  /**
   * Checks the constant.
   *
   * @param method the method
   * @param value its constant
   * @throws JambicException if the constant is negative or not a number
   */
  public Smoothing {
    if (!(value >= 0 && value < Double.POSITIVE_INFINITY)) {
      throw new JambicException(
          Text.format("the constant of smoothing must be 0 or more, not %s", value));
    }
  }

  /** What sacreBLEU calls it. */
  String signature() {
    String name = method.name().toLowerCase(Locale.ROOT).replace('_', '-');
    return switch (method) {
      case NONE, EXP -> name;
      case FLOOR, ADD_K -> name + "[" + Scores.decimals(value, 2) + "]";
    };
  }
}
