package jambic.model.classifier;

import jambic.model.io.ErrorText;
import jambic.model.io.JsonObject;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/** The keys of {@code config.json} that say which labels a classifier has. */
final class LabelKeys {
  private static final String NAMES = "id2label";
  private static final String IDS = "label2id";
  private static final String PROBLEM = "problem_type";
  private static final String ONE_OF_MANY = "single_label_classification";
  private static final String NUMBER = "regression";

  /** As they are called in transformers 4 and 5, and in the files of older ones. */
  private static final List<String> COUNTS = List.of("num_labels", "_num_labels");

  private static final int USUAL_COUNT = 2; // what transformers takes where nothing is said
  private static final int LARGEST_COUNT = 1 << 20;

  private LabelKeys() {}

  /** Replaces the keys by those for these labels. */
  static void put(Map<String, Object> json, List<String> labels) {
    Map<String, Object> names = new LinkedHashMap<>();
    Map<String, Object> ids = new LinkedHashMap<>();
    for (int id = 0; id < labels.size(); id++) {
      names.put(String.valueOf(id), labels.get(id));
      ids.put(labels.get(id), id);
    }
    COUNTS.forEach(json::remove); // the names tell it
    json.put(NAMES, names);
    json.put(IDS, ids);
    json.put(PROBLEM, labels.size() == 1 ? NUMBER : ONE_OF_MANY);
  }

  /**
   * Reads the labels.
   *
   * @throws JambicException if the keys contradict each other, or ask for something other than one
   *     label of several, or one number
   */
  static List<String> read(JsonObject json) {
    Optional<Integer> count = count(json);
    List<String> labels =
        json.optionalObject(NAMES)
            .map(LabelKeys::inOrder)
            .orElseGet(() -> usual(count.orElse(USUAL_COUNT)));
    if (count.isPresent() && count.get() != labels.size()) {
      throw new JambicException(
          Text.format(
              "%s: the number of labels is %d, but '%s' names %d; correct one of them",
              json.where(), count.get(), NAMES, labels.size()));
    }
    json.optionalObject(IDS).ifPresent(ids -> requireInverse(ids, labels));
    String problem = json.optionalText(PROBLEM).orElse(ONE_OF_MANY);
    boolean one = labels.size() == 1;
    if (!problem.equals(ONE_OF_MANY) && !(one && problem.equals(NUMBER))) {
      throw new JambicException(
          Text.format(
              "%s: '%s' is %s for %s, which is not supported; %s is",
              json.where(),
              PROBLEM,
              ErrorText.quote(problem),
              ErrorText.count(labels.size(), "label"),
              one ? NUMBER : ONE_OF_MANY));
    }
    return labels;
  }

  private static Optional<Integer> count(JsonObject json) {
    Optional<Integer> count =
        COUNTS.stream().flatMap(key -> json.optionalInteger(key).stream()).findFirst();
    count
        .filter(labels -> labels < 1 || labels > LARGEST_COUNT)
        .ifPresent(labels -> {
          throw new JambicException(
              Text.format(
                  "%s: '%s' is %d; a classifier has from 1 to %d",
                  json.where(), COUNTS.getFirst(), labels, LARGEST_COUNT));
        });
    return count;
  }

  private static List<String> usual(int count) {
    return IntStream.range(0, count).mapToObj(id -> "LABEL_" + id).toList();
  }

  private static List<String> inOrder(JsonObject names) {
    List<String> labels = new ArrayList<>();
    for (int id = 0; id < names.values().size(); id++) {
      String key = String.valueOf(id);
      labels.add(
          names
              .optionalText(key)
              .orElseThrow(() ->
                  new JambicException(
                      Text.format(
                          "%s must name the labels 0 to %d, and lacks %s",
                          names.where(), names.values().size() - 1, key))));
    }
    return labels;
  }

  /** Where only the names were chosen, transformers leaves the usual ones in the other key. */
  private static void requireInverse(JsonObject ids, List<String> labels) {
    Map<String, Object> usual = new LinkedHashMap<>();
    Map<String, Object> inverse = new LinkedHashMap<>();
    for (int id = 0; id < labels.size(); id++) {
      usual.put(usual(labels.size()).get(id), id);
      inverse.put(labels.get(id), id);
    }
    if (!ids.values().equals(inverse) && !ids.values().equals(usual)) {
      throw new JambicException(
          Text.format(
              "%s does not number the labels as '%s' does; remove it, or correct it",
              ids.where(), NAMES));
    }
  }
}
