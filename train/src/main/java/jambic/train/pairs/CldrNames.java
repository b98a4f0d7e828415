package jambic.train.pairs;

import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Currency;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TimeZone;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * The names in Java's locale data that have one translation, French to English, by what they name.
 * What one French name has several English names for (a currency before and after its reform)
 * nobody can translate, and is left out.
 *
 * @param countries of countries
 * @param languages of languages
 * @param currencies of currencies
 * @param zones of time zones, standard time and daylight saving time
 * @param locales of languages with a country or a script
 */
record CldrNames(
    List<Pair> countries,
    List<Pair> languages,
    List<Pair> currencies,
    List<Pair> zones,
    List<Pair> locales) {
  private static final Locale FRENCH = Locale.FRANCE;
  private static final Locale ENGLISH = Locale.US;

  /** All of this Java, each kind in an order that does not depend on hash codes. */
  static CldrNames read() {
    return new CldrNames(
        unambiguous(readCountries()),
        unambiguous(readLanguages()),
        unambiguous(readCurrencies()),
        unambiguous(readZones()),
        unambiguous(readLocales()));
  }

  /** All of them, kind by kind. */
  List<Pair> all() {
    return Stream.of(countries, languages, currencies, zones, locales)
        .flatMap(List::stream)
        .toList();
  }

  private static Pair name(Function<Locale, String> display) {
    return new Pair(display.apply(FRENCH), display.apply(ENGLISH));
  }

  private static List<Pair> unambiguous(List<Pair> names) {
    Map<String, Set<String>> translations = new HashMap<>();
    for (Pair name : names) {
      translations.computeIfAbsent(name.source(), french -> new HashSet<>()).add(name.target());
    }
    return names.stream()
        .filter(name -> translations.get(name.source()).size() == 1)
        .distinct()
        .toList();
  }

  private static List<Pair> readCountries() {
    List<Pair> names = new ArrayList<>();
    for (String code : new TreeSet<>(Arrays.asList(Locale.getISOCountries()))) {
      Pair name = name(Locale.of("", code)::getDisplayCountry);
      if (!name.source().equals(code) && !name.target().equals(code)) {
        names.add(name);
      }
    }
    return names;
  }

  /** Of all codes of two and three letters, for Java has names of more languages than it lists. */
  private static List<Pair> readLanguages() {
    Set<String> codes = new TreeSet<>(Arrays.asList(Locale.getISOLanguages()));
    for (char first = 'a'; first <= 'z'; first++) {
      for (char second = 'a'; second <= 'z'; second++) {
        for (char third = 'a'; third <= 'z'; third++) {
          codes.add("" + first + second + third);
        }
      }
    }
    List<Pair> names = new ArrayList<>();
    Set<String> seen = new HashSet<>(); // a language may have a code of either length
    for (String code : codes) {
      Locale locale = Locale.of(code);
      Pair name = name(locale::getDisplayLanguage);
      boolean named =
          Stream.of(name.source(), name.target())
              .noneMatch(text -> text.equals(code) || text.equals(locale.getLanguage()));
      // A rare name that is the same in both teaches nothing but to copy.
      boolean translated = code.length() == 2 || !name.source().equals(name.target());
      if (named && translated && seen.add(name.target())) {
        names.add(name);
      }
    }
    return names;
  }

  private static List<Pair> readCurrencies() {
    List<Pair> names = new ArrayList<>();
    Currency.getAvailableCurrencies().stream()
        .sorted(Comparator.comparing(Currency::getCurrencyCode))
        .forEach(currency -> {
          Pair name = name(currency::getDisplayName);
          if (!name.source().equals(currency.getCurrencyCode())
              && !name.source().contains("devise")) { // such as "unknown currency"
            names.add(name);
          }
        });
    return names;
  }

  private static List<Pair> readZones() {
    List<Pair> names = new ArrayList<>();
    Set<String> seen = new HashSet<>();
    for (String id : new TreeSet<>(ZoneId.getAvailableZoneIds())) {
      if (!id.contains("/")) { // names such as EST, of which Java warns
        continue;
      }
      TimeZone zone = TimeZone.getTimeZone(id);
      for (boolean daylight : new boolean[] {false, true}) {
        Pair name = name(locale -> zone.getDisplayName(daylight, TimeZone.LONG, locale));
        if (!name.target().startsWith("GMT")
            && !name.source().equals(name.target())
            && seen.add(name.target())) {
          names.add(name);
        }
      }
    }
    return names;
  }

  private static List<Pair> readLocales() {
    return Arrays.stream(Locale.getAvailableLocales())
        .filter(locale -> !locale.getCountry().isEmpty() || !locale.getScript().isEmpty())
        .sorted(Comparator.comparing(Locale::toLanguageTag))
        .map(locale -> name(locale::getDisplayName))
        .toList();
  }
}
