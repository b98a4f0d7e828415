package jambic.train.pairs;

import jambic.tensor.JambicException;
import jambic.tensor.Philox;
import java.text.ListFormat;
import java.text.NumberFormat;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.format.FormatStyle;
import java.time.temporal.TemporalAccessor;
import java.util.ArrayList;
import java.util.Currency;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * Makes pairs of French and English out of Java's own locale data, Unicode's CLDR: dates, times,
 * numbers, sums of money, names of countries, languages, currencies and time zones, and lists of
 * them. They need no download, and their translation is never in doubt. There is no sentence among
 * them, so that a model which learns them translates no others.
 *
 * <p>The same Java gives the same pairs for the same seed; another version may have newer names.
 */
public final class CldrPairs {
  /** What error messages and users call them. */
  public static final String NAME = "cldr";

  /** A number of pairs that a small model learns in minutes. */
  public static final int COUNT = 58_000;

  /** The share of the sources to hold out: about 500 of {@link #COUNT}. */
  public static final double VALID_SHARE = 500.0 / COUNT;

  private static final int STREAM = 0x43_4C_44_52;
  private static final Locale FRENCH = Locale.FRANCE;
  private static final Locale ENGLISH = Locale.US;
  private static final LocalDate FIRST_DAY = LocalDate.of(1900, 1, 1);
  private static final int DAYS = 365 * 200;
  private static final LocalDate FIRST_ZONED_DAY = LocalDate.of(1990, 1, 1);
  private static final int ZONED_DAYS = 15_000;

  /** Java has no pattern of its own for yMMMMd and takes another, in which months are short. */
  private static final List<String> TEMPLATES =
      List.of("yMMMM", "MMMMd", "yQQQQ", "GyMMMd", "yMMMEd");

  private static final List<String> ZONES =
      List.of(
          "Europe/Paris",
          "America/New_York",
          "Asia/Tokyo",
          "Australia/Sydney",
          "America/Sao_Paulo",
          "Asia/Kolkata",
          "Africa/Cairo",
          "Pacific/Auckland",
          "America/Los_Angeles",
          "Europe/London",
          "Asia/Shanghai",
          "Europe/Moscow",
          "Africa/Nairobi",
          "America/Halifax",
          "Asia/Seoul");
  private static final List<String> CURRENCIES =
      List.of("EUR", "USD", "JPY", "CHF", "GBP", "CAD", "INR", "BRL", "PLN");

  /** Makes a pair of a kind. */
  private interface Kind {
    Pair make();
  }

  private final Philox random;

  // French and English; they take long to make.
  private final List<NumberFormat> money = formats(NumberFormat::getCurrencyInstance);
  private final List<NumberFormat> percent = formats(NumberFormat::getPercentInstance);
  private final List<NumberFormat> compact =
      formats(locale -> NumberFormat.getCompactNumberInstance(locale, NumberFormat.Style.LONG));

  private CldrPairs(long seed) {
    random = new Philox(seed, STREAM);
  }

  /**
   * Makes pairs, each source once: every name, then others at random.
   *
   * @param count how many
   * @param seed decides which random pairs are made
   * @return the pairs
   * @throws JambicException if this Java has no French
   */
  public static List<Pair> make(int count, long seed) {
    requireFrench();
    return new CldrPairs(seed).make(count);
  }

  private static void requireFrench() {
    if (!Locale.FRENCH.getDisplayLanguage(FRENCH).equals("français")) {
      throw new JambicException(
          "this Java has no French in its locale data, of which the pairs "
              + NAME
              + " are made: it lacks the module jdk.localedata, or the property"
              + " java.locale.providers leaves CLDR out; use a whole JDK, or give pairs of your own"
              + " with --data");
    }
  }

  private static List<NumberFormat> formats(Function<Locale, NumberFormat> ofLocale) {
    return List.of(ofLocale.apply(FRENCH), ofLocale.apply(ENGLISH));
  }

  private List<Pair> make(int count) {
    CldrNames names = CldrNames.read();
    Map<String, Pair> pairs = new LinkedHashMap<>(); // by source
    names.all().forEach(name -> pairs.putIfAbsent(name.source(), name));
    List<Kind> kinds = kinds(names);
    while (pairs.size() < count) {
      Pair pair = pick(kinds).make();
      pairs.putIfAbsent(pair.source(), pair);
    }
    return pairs.values().stream().limit(count).toList();
  }

  /** Often what has many values. */
  private List<Kind> kinds(CldrNames names) {
    return List.of(
        this::date,
        this::date,
        this::partOfDate,
        this::time,
        this::zonedTime,
        this::money,
        this::roundNumber,
        this::percent,
        this::listOfDates,
        () -> listOf(names.countries()),
        () -> listOf(names.countries()),
        () -> listOf(names.languages()),
        () -> listOf(names.languages()),
        () -> listOf(names.currencies()),
        () -> listOf(names.currencies()),
        () -> listOf(names.zones()),
        () -> listOf(names.locales()));
  }

  private <T> T pick(List<T> from) {
    return from.get(random.nextInt(from.size()));
  }

  private LocalDate day() {
    return FIRST_DAY.plusDays(random.nextInt(DAYS));
  }

  /** Not of the medium style: "20 août" is "Aug 20" in it, and "August 20" in the long one. */
  private Pair date() {
    FormatStyle style =
        pick(List.of(FormatStyle.FULL, FormatStyle.FULL, FormatStyle.LONG, FormatStyle.SHORT));
    return both(day(), new DateTimeFormatterBuilder().appendLocalized(style, null));
  }

  private Pair partOfDate() {
    String template = pick(TEMPLATES);
    LocalDate day = day();
    boolean before = template.startsWith("G") && random.nextInt(2) == 0; // the common era
    return both(
        before ? day.minusYears(2000) : day,
        new DateTimeFormatterBuilder().appendLocalized(template));
  }

  private Pair time() {
    LocalDateTime time = day().atTime(random.nextInt(24), random.nextInt(60), random.nextInt(60));
    FormatStyle date = pick(List.of(FormatStyle.FULL, FormatStyle.LONG));
    FormatStyle clock = pick(List.of(FormatStyle.SHORT, FormatStyle.MEDIUM));
    return both(time, new DateTimeFormatterBuilder().appendLocalized(date, clock));
  }

  private Pair zonedTime() {
    LocalDateTime time =
        FIRST_ZONED_DAY
            .plusDays(random.nextInt(ZONED_DAYS))
            .atTime(random.nextInt(24), random.nextInt(60));
    return both(
        time.atZone(ZoneId.of(pick(ZONES))),
        new DateTimeFormatterBuilder().appendLocalized(FormatStyle.FULL, FormatStyle.FULL));
  }

  private static Pair both(TemporalAccessor time, DateTimeFormatterBuilder format) {
    DateTimeFormatter french = format.toFormatter(FRENCH);
    return new Pair(french.format(time), french.withLocale(ENGLISH).format(time));
  }

  private Pair money() {
    Currency currency = Currency.getInstance(pick(CURRENCIES));
    double size = Math.rint(StrictMath.exp(random.nextDouble() * 16) * 100) / 100;
    money.forEach(format -> format.setCurrency(currency));
    return both(random.nextInt(10) == 0 ? -size : size, money);
  }

  /** Such as "2,5 millions". */
  private Pair roundNumber() {
    double value = StrictMath.exp(7 + random.nextDouble() * 26);
    int digits = random.nextInt(3);
    compact.forEach(format -> format.setMaximumFractionDigits(digits));
    return both(value, compact);
  }

  private Pair percent() {
    percent.forEach(format -> format.setMaximumFractionDigits(2));
    return both(Math.rint(random.nextDouble() * 3e4) / 1e5, percent);
  }

  private static Pair both(double value, List<NumberFormat> formats) {
    return new Pair(formats.getFirst().format(value), formats.getLast().format(value));
  }

  private Pair listOfDates() {
    List<Pair> dates = new ArrayList<>();
    int count = 2 + random.nextInt(2);
    for (int i = 0; i < count; i++) {
      dates.add(both(day(), new DateTimeFormatterBuilder().appendLocalized("MMMMd")));
    }
    return list(dates);
  }

  private Pair listOf(List<Pair> names) {
    int count = 1 + random.nextInt(4);
    return list(Stream.generate(() -> pick(names)).limit(count).toList());
  }

  private Pair list(List<Pair> items) {
    ListFormat.Type type = random.nextInt(3) == 0 ? ListFormat.Type.OR : ListFormat.Type.STANDARD;
    return new Pair(
        ListFormat.getInstance(FRENCH, type, ListFormat.Style.FULL)
            .format(items.stream().map(Pair::source).toList()),
        ListFormat.getInstance(ENGLISH, type, ListFormat.Style.FULL)
            .format(items.stream().map(Pair::target).toList()));
  }
}
