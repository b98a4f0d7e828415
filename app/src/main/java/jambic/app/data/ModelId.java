package jambic.app.data;

import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Names a model on a hub, as in {@code user/name} or {@code user/name@revision}. OpenAI's models
 * and DistilGPT2 are from before models had owners; their short names still hold.
 *
 * @param owner the user or organization
 * @param name what they call it
 * @param revision a branch, a tag or a commit
 */
record ModelId(String owner, String name, String revision) {
  /** The branch that is meant where none is named. */
  static final String MAIN = "main";

  private static final Map<String, String> OWNERS =
      Map.of(
          "gpt2", "openai-community",
          "gpt2-medium", "openai-community",
          "gpt2-large", "openai-community",
          "gpt2-xl", "openai-community",
          "distilgpt2", "distilbert");

  private static final String WORD = "\\w(?:[\\w.-]*\\w)?";
  private static final Pattern FORM =
      Pattern.compile("(?:(%1$s)/)?(%1$s)(?:@(%1$s(?:/%1$s)*))?".replace("%1$s", WORD));

  /** The model that a text names, empty if it is the name of none: a path, or an unknown word. */
  static Optional<ModelId> of(String text) {
    Matcher form = FORM.matcher(text);
    if (!form.matches() || text.contains("..")) { // which the hub does not allow either
      return Optional.empty();
    }
    String name = form.group(2);
    return Optional.ofNullable(form.group(1))
        .or(() -> Optional.ofNullable(OWNERS.get(name)))
        .map(owner -> new ModelId(owner, name, Optional.ofNullable(form.group(3)).orElse(MAIN)));
  }

  /** Whether the newest version is meant, whatever it is. */
  boolean isNewest() {
    return revision.equals(MAIN);
  }

  /** Whether it has a name without an owner, too. */
  boolean hasShortName() {
    return owner.equals(OWNERS.get(name));
  }

  /** Its name, without the revision. */
  String repository() {
    return owner + "/" + name;
  }

  /** What may stand in a folder's name or in an address. */
  String revision(String slash) {
    return revision.replace("/", slash);
  }

  @Override
  public String toString() {
    return (hasShortName() ? name : repository()) + (isNewest() ? "" : "@" + revision);
  }
}
