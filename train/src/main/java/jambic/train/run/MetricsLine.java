package jambic.train.run;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The numbers of one line of a log. Lines as this program writes them, an object of numbers without
 * spaces, are read here, several times as fast as by a parser that knows all of JSON; any other is
 * left to that.
 */
final class MetricsLine {
  private static final JsonFactory JSON = new JsonFactory();
  private static final String ITER = "iter";

  /** Powers of ten that are doubles. */
  private static final double[] POWERS = new double[23];

  private static final long EXACT = 1L << 53;

  static {
    for (int i = 0; i < POWERS.length; i++) {
      POWERS[i] = Double.parseDouble("1e" + i);
    }
  }

  private final List<String> names = new ArrayList<>(); // every name that was ever read
  private final List<byte[]> spelled = new ArrayList<>();
  private int[] which = new int[16];
  private double[] values = new double[16];
  private int count;
  private int iter;

  private byte[] bytes = {};
  private int at;
  private int end;

  /**
   * Reads a line.
   *
   * @return whether it has an iteration
   */
  boolean read(byte[] from, int offset, int length) {
    bytes = from;
    at = offset;
    end = offset + length;
    count = 0;
    iter = -1;
    if (!isPlain()) {
      count = 0;
      iter = -1;
      readAny(offset, length);
    }
    return iter >= 0;
  }

  int iter() {
    return iter;
  }

  int count() {
    return count;
  }

  String name(int index) {
    return names.get(which[index]);
  }

  double value(int index) {
    return values[index];
  }

  private void add(int name, double value) {
    if (names.get(name).equals(ITER)) {
      return; // no whole number
    }
    if (count == which.length) {
      which = Arrays.copyOf(which, 2 * count);
      values = Arrays.copyOf(values, 2 * count);
    }
    which[count] = name;
    values[count++] = value;
  }

  /** Reads an object of numbers; false if it is anything else, half of it perhaps read. */
  private boolean isPlain() {
    if (!take('{')) {
      return false;
    }
    do {
      int name = name();
      if (name < 0 || !take(':') || !readNumber(name)) {
        return false;
      }
    } while (take(','));
    return take('}') && at == end;
  }

  private boolean take(char character) {
    if (at < end && bytes[at] == character) {
      at++;
      return true;
    }
    return false;
  }

  private int name() {
    if (!take('"')) {
      return -1;
    }
    int begin = at;
    while (at < end && bytes[at] != '"') {
      if (bytes[at] == '\\' || bytes[at] < ' ') { // or beyond ASCII
        return -1;
      }
      at++;
    }
    int stop = at;
    return take('"') ? indexOf(begin, stop) : -1;
  }

  private int indexOf(int begin, int stop) {
    for (int i = 0; i < spelled.size(); i++) {
      byte[] name = spelled.get(i);
      if (Arrays.equals(name, 0, name.length, bytes, begin, stop)) {
        return i;
      }
    }
    return added(new String(bytes, begin, stop - begin, StandardCharsets.US_ASCII));
  }

  private int added(String name) {
    names.add(name);
    spelled.add(name.getBytes(StandardCharsets.UTF_8));
    return names.size() - 1;
  }

  private boolean readNumber(int name) {
    int begin = at;
    boolean negative = take('-');
    long digits = 0;
    int scale = 0;
    int first = at;
    while (at < end && isDigit(bytes[at]) && at - first < 17) {
      digits = 10 * digits + bytes[at++] - '0';
    }
    int whole = at - first;
    if (whole == 0 || whole > 1 && bytes[first] == '0') {
      return false;
    }
    boolean integral = at == end || bytes[at] == ',' || bytes[at] == '}';
    if (integral && names.get(name).equals(ITER)) {
      iter = !negative && digits <= Integer.MAX_VALUE ? (int) digits : -1;
      return true;
    }
    if (take('.')) {
      int point = at;
      while (at < end && isDigit(bytes[at]) && whole + at - point < 18) {
        digits = 10 * digits + bytes[at++] - '0';
      }
      scale = at - point;
      if (scale == 0) {
        return false;
      }
    }
    boolean ends = at < end && (bytes[at] == ',' || bytes[at] == '}');
    if (ends && scale < POWERS.length) {
      double value = quotient(digits, POWERS[scale]);
      add(name, negative ? -value : value);
      return true;
    }
    while (at < end && bytes[at] != ',' && bytes[at] != '}') {
      if ("0123456789.eE+-".indexOf(bytes[at]) < 0) {
        return false;
      }
      at++;
    }
    return addLong(name, new String(bytes, begin, at - begin, StandardCharsets.US_ASCII));
  }

  /**
   * Divides. Where the digits are more than a double holds, the quotient is corrected by what was
   * left over; that is right unless the number lies within a 10^15th of half way between doubles.
   */
  private static double quotient(long digits, double power) {
    double high = digits;
    double quotient = high / power;
    if (digits <= EXACT) {
      return quotient;
    }
    double rest = Math.fma(-quotient, power, high) + (digits - (long) high);
    return quotient + rest / power;
  }

  private boolean addLong(int name, String number) {
    try {
      double value = Double.parseDouble(number);
      if (Double.isFinite(value)) {
        add(name, value);
      }
      return true;
    } catch (NumberFormatException e) {
      return false;
    }
  }

  private static boolean isDigit(byte character) {
    return character >= '0' && character <= '9';
  }

  private void readAny(int offset, int length) {
    try (JsonParser parser = JSON.createParser(bytes, offset, length)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        return;
      }
      for (String name = parser.nextFieldName(); name != null; name = parser.nextFieldName()) {
        JsonToken value = parser.nextToken();
        if (name.equals(ITER) && value == JsonToken.VALUE_NUMBER_INT) {
          iter = parser.getIntValue();
        } else if (value.isNumeric() && Double.isFinite(parser.getDoubleValue())) {
          int known = names.indexOf(name);
          add(known < 0 ? added(name) : known, parser.getDoubleValue());
        } else {
          parser.skipChildren();
        }
      }
    } catch (IOException damaged) { // also bytes that look like another encoding
      iter = -1;
    }
  }
}
